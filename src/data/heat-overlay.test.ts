import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { encodeHeat } from './heat-overlay.ts';

test('an overlay hides most where the map is highest and nothing where it is 0', async () => {
  const values = Float32Array.from({ length: 48 }, (_, i) => (i % 8 < 4 ? 0 : i % 8));
  const { data, info } = await sharp(await encodeHeat({ height: 6, width: 8, values }))
    .raw()
    .toBuffer({ resolveWithObject: true });
  assert.equal(info.channels, 4);
  assert.equal(info.height / info.width, 6 / 8);
  const row = Math.floor(info.height / 2) * info.width;
  const opacity = (x: number) => data[4 * (row + x) + 3];
  assert.equal(opacity(0), 0);
  assert.ok(opacity(info.width - 1) > 150);
});

test('a map without any place is clear', async () => {
  const { data } = await sharp(await encodeHeat({ height: 2, width: 2, values: new Float32Array(4) }))
    .raw()
    .toBuffer({ resolveWithObject: true });
  assert.ok(data.every((value, i) => i % 4 !== 3 || value === 0));
});
