import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import sharp from 'sharp';
import { skipWithoutCpuPlugin as skip } from '../../../test/backend.ts';
import { writeUntrainedRun } from '../../../test/untrained-run.ts';
import { encodeExample, frameRecord } from '../../data/index.ts';

const MAIN = join(import.meta.dirname, '..', 'main.ts');

suite('sepal predict', { skip }, () => {
  let folder: string;
  let run: string;
  let photo: Buffer;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sepal-predict-'));
    run = await writeUntrainedRun(join(folder, 'run'));
    photo = await sharp({ create: { width: 40, height: 30, channels: 3, background: '#c03040' } })
      .jpeg()
      .toBuffer();
  });
  after(() => rm(folder, { recursive: true }));

  const at = (name: string) => join(folder, name);
  const predict = (...args: string[]) =>
    spawnSync(process.execPath, [MAIN, 'predict', run, ...args, '--device', 'cpu'], { encoding: 'utf8' });

  test('a photo that is skipped has no prediction, in no form', async () => {
    await mkdir(at('photos'));
    const [good, cut, none] = ['a.jpg', 'b.jpg', 'c.png'].map((name) => at(join('photos', name)));
    await writeFile(good, photo);
    await writeFile(cut, photo.subarray(0, photo.length / 2));
    await writeFile(none, '');
    const csv = at('probabilities.csv');
    const { status, stdout, stderr } = predict(at('photos'), '--bad-records', 'skip', '--json', '--csv', csv);
    assert.equal(status, 0, stderr);
    assert.deepEqual((JSON.parse(stdout) as { image: string }[]).map(({ image }) => image), [good]); // prettier-ignore
    const [header, ...rows] = (await readFile(csv, 'utf8')).trimEnd().split('\n');
    assert.equal(header, 'image,daisy,rose,tulip');
    assert.deepEqual(rows.map((row) => row.split(',')[0]), [good]); // prettier-ignore
    for (const path of [cut, none]) assert.ok(stderr.includes(`skipped ${path}: `), stderr);
  });

  test('each record that is skipped is told of once', async () => {
    const records = [photo, Buffer.from('no picture'), photo].map((image, n) =>
      frameRecord(encodeExample({ image, id: `photo-${n}` })),
    );
    // Its checksum says that it is damaged.
    records[2][20] ^= 1;
    await writeFile(at('photos.tfrec'), Buffer.concat(records));
    const { status, stdout, stderr } = predict(at('photos.tfrec'), '--bad-records', 'skip');
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^photo-0 .*\n$/);
    assert.deepEqual(stderr.match(/record \d/g)?.toSorted(), ['record 1', 'record 2'], stderr);
  });

  test('records of more classes than the model knows are predicted by a class file of their own', async () => {
    await writeFile(at('pets.tfrec'), frameRecord(encodeExample({ image: photo, class: 3, id: 'pet' })));
    await writeFile(at('pets.txt'), 'cat\ndog\nfox\nowl\n');
    const without = predict(at('pets.tfrec'));
    assert.match(without.stderr, /label 3, but there are 3 classes/);
    const { status, stdout, stderr } = predict(at('pets.tfrec'), '--class-names', at('pets.txt'));
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^pet +(?:daisy|rose|tulip) /);
  });

  test('what is for TFRecords alone is refused beside photos', async () => {
    await writeFile(at('photo.jpg'), photo);
    const { status, stderr } = predict(at('photo.jpg'), '--split', 'test', '--id-feature', 'name');
    assert.equal(status, 2, stderr);
    assert.match(stderr, /^error: only TFRecords take --split and --id-feature$/m);
  });

  test('a photo in the place of the run is told where it belongs', async () => {
    await writeFile(at('swapped.jpg'), photo);
    const swapped = ['predict', at('swapped.jpg'), run, '--device', 'cpu'];
    for (const args of [swapped, ['export', at('swapped.jpg'), '--format', 'onnx', '--out', at('x.onnx')]]) {
      const { status, stderr } = spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' });
      assert.equal(status, 1, stderr);
      assert.match(stderr, /^error: .*swapped\.jpg is a picture and no run; .*\n {2}hint: the run comes first: /m);
    }
  });
});
