import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp, { type Sharp } from 'sharp';
import { sharedData, skipWithoutSharedData } from '../../test/shared-data.ts';
import { DuplicateFinder, type Member } from './duplicates.ts';
import { fingerprint, distance, correlation } from './fingerprint.ts';
import { inspectDataset } from './inspect.ts';

const SIDE = 96;

/** A smooth picture of some blobs, another for each seed. */
function picture(seed: number, side = SIDE): Buffer {
  const random = (n: number) => {
    const value = Math.sin(seed * 127.1 + n * 311.7) * 43758.5453;
    return value - Math.floor(value);
  };
  const pixels = Buffer.alloc(side * side * 3, 60);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      for (let blob = 0; blob < 12; blob++) {
        const [bx, by, size] = [random(3 * blob), random(3 * blob + 1), 0.05 + 0.2 * random(3 * blob + 2)];
        const bright = 150 * Math.exp(-((x / side - bx) ** 2 + (y / side - by) ** 2) / size ** 2);
        const at = 3 * (y * side + x) + (blob % 3);
        pixels[at] = Math.min(255, pixels[at] + bright);
      }
    }
  }
  return pixels;
}

const raw = { raw: { width: SIDE, height: SIDE, channels: 3 as const } };
const again = async (pixels: Buffer, change: (image: Sharp) => Sharp) =>
  sharp(await change(sharp(pixels, raw)).toBuffer())
    .resize(SIDE, SIDE)
    .removeAlpha()
    .raw()
    .toBuffer();

const member = (split: string, id: string, className?: string): Member => ({
  split,
  id,
  className,
  place: { file: `${split}.tfrec`, record: 0 },
});

test('another quality, size or brightness of a picture is near it; another picture is not', async () => {
  const original = fingerprint(picture(1), SIDE, SIDE);
  const changes: Record<string, (image: Sharp) => Sharp> = {
    quality: (image) => image.jpeg({ quality: 30 }),
    size: (image) => image.resize(48, 48).png(),
    brightness: (image) => image.modulate({ brightness: 0.8 }).png(),
    tint: (image) => image.modulate({ saturation: 0.9, hue: 4 }).png(),
  };
  for (const [name, change] of Object.entries(changes)) {
    const changed = fingerprint(await again(picture(1), change), SIDE, SIDE);
    assert.ok(distance(original, changed) <= 6, `${name}: ${distance(original, changed)} bits differ`);
    assert.ok(correlation(original, changed) > 0.98, `${name}: ${correlation(original, changed)}`);
  }
  for (let seed = 2; seed < 20; seed++) {
    const other = fingerprint(picture(seed), SIDE, SIDE);
    assert.ok(distance(original, other) > 12 || correlation(original, other) < 0.9, `seed ${seed}`);
  }
});

test('groups are found within and across splits, contradictory labels first', async () => {
  const finder = new DuplicateFinder();
  for (let seed = 1; seed <= 8; seed++) finder.add(member('train', `t${seed}`, 'rose'), picture(seed), SIDE, SIDE);
  const worse = (seed: number) => again(picture(seed), (image) => image.jpeg({ quality: 40 }));
  finder.add(member('train', 'copy of t1', 'rose'), await worse(1), SIDE, SIDE);
  finder.add(member('val', 'copy of t2', 'rose'), await worse(2), SIDE, SIDE);
  finder.add(member('train', 'copy of t3', 'daisy'), await worse(3), SIDE, SIDE);
  finder.add(member('test', 'another copy of t2'), picture(2), SIDE, SIDE);
  const groups = await finder.find();
  assert.deepEqual(
    groups.map(({ members, acrossSplits, contradictory }) => [
      members.map(({ id }) => id),
      acrossSplits,
      contradictory,
    ]),
    [
      [['t3', 'copy of t3'], false, true],
      [['t2', 'copy of t2', 'another copy of t2'], true, false],
      [['t1', 'copy of t1'], false, false],
    ],
  );
  assert.ok(groups.every(({ similarity }) => similarity > 0.975 && similarity <= 1.000001));
});

test('pictures of one colour are no duplicates of each other', async () => {
  const finder = new DuplicateFinder();
  for (const value of [0, 0, 255]) finder.add(member('train', 'x'), Buffer.alloc(SIDE * SIDE * 3, value), SIDE, SIDE);
  assert.deepEqual(await finder.find(), []);
});

test('an abort ends the search', async () => {
  const finder = new DuplicateFinder();
  for (let seed = 1; seed <= 3; seed++) finder.add(member('train', 'x'), picture(seed, 32), 32, 32);
  await assert.rejects(finder.find({ signal: AbortSignal.abort(new Error('stop')) }), /stop/);
});

test('tf_flowers has photos that stand in two splits', { skip: skipWithoutSharedData }, async () => {
  const duplicates = new DuplicateFinder();
  await inspectDataset(sharedData('data', 'tf_flowers', 'tfrecords-jpeg-192x192'), { decode: true, duplicates });
  const groups = await duplicates.find();
  const ids = groups.filter((group) => group.acrossSplits).map(({ members }) => members.map(({ id }) => id));
  assert.deepEqual(ids[0], ['f5fea9295832', '4a2290fe57f0']);
  assert.deepEqual(ids[1], ['8a2c5a5f9ace', 'e7e27bf814cb']);
});
