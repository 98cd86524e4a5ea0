import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Throughput } from './throughput.ts';

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

test('many images at a time show the rate, few slow ones do not lower it', async () => {
  const throughput = new Throughput(1e6);
  await throughput.follow(() => pause(20));
  assert.equal(throughput.rate, 1e6);
  await Promise.all(Array.from({ length: 200 }, () => throughput.follow(() => pause(20))));
  assert.ok(throughput.rate < 2e4, 'at most 200 images in 20 ms');
  await assert.rejects(throughput.follow(() => Promise.reject(new Error('no image'))));
});
