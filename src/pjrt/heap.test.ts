import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { returnFreedMemory } from './heap.ts';

const glibc = (process.report.getReport() as { header: { glibcVersionRuntime?: string } }).header.glibcVersionRuntime;
const options = { skip: glibc === undefined && 'needs glibc' };

test('freed memory goes back to the system', options, async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const blocks = Array.from({ length: 2000 }, () => Buffer.alloc(100_000, 1));
  // Every twentieth stays, so that nothing can be given back from the end of the heap alone.
  const kept = blocks.filter((_, i) => i % 20 === 19);
  blocks.length = 0;
  collect();
  await new Promise((resolve) => setTimeout(resolve, 100));
  const before = process.memoryUsage.rss();
  await returnFreedMemory();
  const returned = before - process.memoryUsage.rss();
  assert.ok(returned > 100e6, `${returned} bytes were returned`);
  assert.equal(kept.length, 100);
});
