import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeExample, parseExample } from './example.ts';
import { collectKinds, detectLayout, type FeatureKinds } from './layout.ts';

const kinds = (names: Record<string, Uint8Array | string | number>): FeatureKinds =>
  collectKinds([parseExample(encodeExample(names), { file: 'f' })]);
const image = Buffer.from('jpeg');

test('the known layouts are found', () => {
  const find = (names: Record<string, Uint8Array | string | number>) => detectLayout(kinds(names), 'f');
  assert.deepEqual(find({ image, class: 1, id: 'a' }), { name: 'Kaggle', image: 'image', label: 'class', id: 'id' });
  assert.deepEqual(find({ image, id: 'a' }), { name: 'Kaggle', image: 'image', label: undefined, id: 'id' });
  assert.deepEqual(find({ image, label: 1 }), { name: 'TFDS', image: 'image', label: 'label', id: undefined });
  assert.deepEqual(find({ 'image/encoded': image, 'image/class/label': 1, 'image/format': 'jpeg' }), {
    name: 'TF-Slim',
    image: 'image/encoded',
    label: 'image/class/label',
    id: undefined,
  });
});

test('features can be named', () => {
  const there = kinds({ picture: image, species: 4, image, class: 1 });
  const layout = detectLayout(there, 'f', { names: { image: 'picture', label: 'species' } });
  assert.deepEqual(layout, { name: 'custom', image: 'picture', label: 'species', id: undefined });
  assert.throws(() => detectLayout(there, 'f', { names: { image: 'pictures' } }), {
    code: 'NOT_AN_IMAGE_SET',
    hint: /did you mean "picture"/,
  });
  assert.throws(() => detectLayout(there, 'f', { names: { label: 'image' } }), { code: 'NO_LABELS' });
});

test('what is no image set is refused with the features that are there', () => {
  assert.throws(() => detectLayout(kinds({ fare: 3, company: 'a' }), 'taxi.gz'), {
    code: 'NOT_AN_IMAGE_SET',
    message: 'taxi.gz: no feature "image" or "image/encoded" of kind bytes to take the image from',
    received: 'company (bytes), fare (int64)',
  });
});

test('labels are missed only where they are needed', () => {
  const there = kinds({ image, id: 'a' });
  assert.equal(detectLayout(there, 'f').label, undefined);
  assert.throws(() => detectLayout(there, 'f', { labelsRequired: true }), {
    code: 'NO_LABELS',
    message: 'f: no feature "class" or "label" of kind int64 to take the label from',
  });
});

test('a value missing in one record does not hide its kind', () => {
  const unset = { $typeName: 'tensorflow.Feature' as const, kind: { case: undefined } };
  const first = { ...parseExample(encodeExample({ image }), { file: 'f' }), class: unset };
  const second = parseExample(encodeExample({ image, class: 2 }), { file: 'f' });
  assert.equal(collectKinds([first]).get('class'), 'unset');
  assert.equal(collectKinds([first, second]).get('class'), 'int64');
  assert.equal(collectKinds([second, first]).get('class'), 'int64');
});
