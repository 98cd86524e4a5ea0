import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { sharedData as shared, skipWithoutSharedData } from '../../test/shared-data.ts';
import { openDataset } from './dataset.ts';
import { openImages } from './image-files.ts';
import { inspectDataset } from './inspect.ts';

const skip = skipWithoutSharedData;
const sharedData = (...parts: readonly string[]) => shared('data', ...parts);

for (const [folder, size, counts, classes] of [
  ['tf_flowers', 192, { train: 2564, val: 551, test: 552 }, 5],
  ['tf_flowers', 224, { train: 160, val: 40, test: 40 }, 5],
  ['tf_flowers', 331, { train: 160, val: 40, test: 40 }, 5],
  ['tf_flowers', 512, { train: 160, val: 40, test: 40 }, 5],
  ['flowers102', 192, { train: 6552, val: 818, test: 819 }, 102],
] as const) {
  test(`${folder} at ${size} px has the records it is said to have`, { skip }, async () => {
    const summaries = await inspectDataset(sharedData(folder), { side: size });
    assert.deepEqual(Object.fromEntries(summaries.map(({ split, records }) => [split, records])), counts);
    for (const { split, sizes, bad, classNames, labelled, layout, classCounts } of summaries) {
      assert.deepEqual([...sizes.keys()], [`${size}x${size}`]);
      assert.deepEqual(bad, []);
      assert.equal(classNames.length, classes);
      assert.equal(labelled, split !== 'test');
      assert.equal(layout, 'Kaggle');
      if (split === 'train' && size === 192) assert.ok(classCounts.every((count) => count > 0));
    }
  });
}

test('the data set of several sizes asks for one', { skip }, async () => {
  await assert.rejects(openDataset(sharedData('tf_flowers'), { split: 'val' }), {
    code: 'WHICH_SIZE',
    message: /192x192, tfrecords-jpeg-224x224, tfrecords-jpeg-331x331, tfrecords-jpeg-512x512/,
  });
});

test('pictures of every size decode to the size asked for', { skip }, async () => {
  const dataset = await openDataset(sharedData('tf_flowers'), { split: 'val', size: 300 });
  assert.match(dataset.files[0], /331x331/);
  for await (const { images, mask } of dataset.batches({ batchSize: 40 })) {
    assert.equal(images.length, 40 * 300 * 300 * 3);
    assert.ok(mask.every((value) => value === 1));
  }
});

test('TF-Slim shards have labels, and names from labels.txt', { skip }, async () => {
  const dataset = await openDataset(sharedData('slim'), { split: 'val', size: 64, labelsRequired: true });
  assert.equal(dataset.count, 280);
  assert.equal(dataset.layout?.name, 'TF-Slim');
  assert.deepEqual(dataset.classNames, ['daisy', 'dandelion', 'roses', 'sunflowers', 'tulips']);
  await assert.rejects(openDataset(sharedData('slim')), { code: 'WHICH_SIZE' });
  await assert.rejects(openDataset(sharedData('slim'), { split: 'train' }), { code: 'NO_SPLIT' });
});

test('CIFAR-10 PNGs are an image set', { skip }, async () => {
  const dataset = await openDataset(sharedData('other', 'cifar10_train.tfrecord'), { labelsRequired: true });
  assert.deepEqual([dataset.count, dataset.size], [128, { height: 32, width: 32 }]);
  assert.equal(dataset.ids[0], 'train_16399');
  let rows = 0;
  for await (const { mask } of dataset.batches({ batchSize: 50 })) rows += mask.reduce((sum, value) => sum + value, 0);
  assert.equal(rows, 128);
});

test('an object-detection set has no class per picture', { skip }, async () => {
  const file = sharedData('other', 'raccoon_test.record');
  await assert.rejects(openDataset(file, { labelsRequired: true }), {
    code: 'NO_LABELS',
    message: /no feature "image\/class\/label" of kind int64/,
    received: /image\/object\/class\/label \(int64\)/,
  });
  const dataset = await openDataset(file, { size: 32 });
  assert.deepEqual([dataset.count, dataset.labelled], [40, false]);
});

test('sets without pictures are refused with the features they have', { skip }, async () => {
  const taxi = sharedData('other', 'chicago_taxi_data_tfrecord-00000-of-00002.gz');
  await assert.rejects(openDataset(taxi), {
    code: 'NOT_AN_IMAGE_SET',
    message: /no feature "image" or "image\/encoded" of kind bytes/,
    received: /company \(bytes\).*fare \(float\).*pickup_census_tract \(unset\)/,
  });
  await assert.rejects(openDataset(sharedData('other', 'penguin_train.tfrecord.gz')), {
    code: 'NOT_AN_IMAGE_SET',
    received: /body_mass_g \(float\).*species \(int64\)/,
  });
});

test('photos are an unlabelled data set named by their paths', { skip }, async () => {
  const folder = sharedData('photos');
  const dataset = await openImages([folder], { size: 96 });
  assert.equal(dataset.count, readdirSync(folder).length);
  assert.ok(dataset.ids[0].endsWith('daisy-1.jpg'));
  for await (const { mask, images } of dataset.batches({ batchSize: 20 })) {
    assert.ok(mask.every((value) => value === 1));
    assert.ok(images.some((value) => value !== 0));
  }
});
