import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Throughput } from './throughput.ts';

test('many images at a time show the rate, few slow ones do not lower it', async () => {
  let now = 0;
  const throughput = new Throughput(1000, () => now);
  const pause = async () => new Promise(setImmediate);
  const lone = throughput.follow(pause);
  assert.equal(throughput.working, 1);
  now += 1;
  await lone;
  assert.equal(throughput.rate, 1000);
  for (let i = 0; i < 100; i++) {
    const together = Array.from({ length: 10 }, () => throughput.follow(pause));
    assert.equal(throughput.working, 10);
    now += 0.1;
    await Promise.all(together);
  }
  assert.equal(throughput.working, 0);
  assert.ok(throughput.rate > 50 && throughput.rate < 110, `at most 10 images in 0.1 seconds: ${throughput.rate}`);
  const fast = throughput.follow(pause);
  now += 0.001;
  await fast;
  assert.ok(throughput.rate > 110, 'one that is faster raises it');
  await assert.rejects(throughput.follow(() => Promise.reject(new Error('no image'))));
  assert.equal(throughput.working, 0);
});
