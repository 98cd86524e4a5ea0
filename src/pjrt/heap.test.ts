import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
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

/**
 * Takes 256 MiB as XLA's client does, touches them, takes small pieces and frees the large one, as each run of a program does.
 * Prints how many pages the last run touched anew, and the largest memory of all.
 */
const RUNS = `
  import { libraryFunction } from './ffi.ts';
  import { returningMemory } from './heap.ts';
  const take = libraryFunction('size_t aligned_alloc(size_t alignment, size_t size)');
  const fill = libraryFunction('size_t memset(size_t place, int value, size_t size)');
  const free = libraryFunction('void free(size_t place)');
  const size = 256 * 2 ** 20;
  await returningMemory(async () => {});
  // Small pieces that lie free elsewhere, so that the next ones come from around the large one.
  for (let i = 0; i < 40_000; i++) take(16, 24 + 16 * (i % 10));
  const before = process.memoryUsage.rss();
  let touched;
  for (let run = 0; run < 20; run++) {
    const { minorPageFault } = process.resourceUsage();
    const piece = take(64, size);
    fill(piece, run, size);
    for (let i = 0; i < 10; i++) take(16, 24 + 16 * i);
    take(64, 70_000);
    touched = process.resourceUsage().minorPageFault - minorPageFault;
    free(piece);
  }
  const { maxRSS } = process.resourceUsage();
  console.log(JSON.stringify({ touched, stayed: process.memoryUsage.rss() - before, peak: maxRSS * 1024 - before }));
`;

function runs(tunables: string): { touched: number; stayed: number; peak: number } {
  const text = execFileSync(process.execPath, ['--input-type=module', '--eval', RUNS], {
    cwd: import.meta.dirname,
    env: { ...process.env, GLIBC_TUNABLES: tunables },
    encoding: 'utf8',
  });
  return JSON.parse(text) as { touched: number; stayed: number; peak: number };
}

test('once compiled, a process of one heap keeps the memory of its runs, and takes no more', options, () => {
  const { touched, stayed, peak } = runs('glibc.malloc.arena_max=1:glibc.malloc.tcache_count=0');
  assert.ok(touched < 1000, `${touched} pages`);
  assert.ok(stayed > 250e6 && peak < 350e6, `${stayed} bytes stayed, ${peak} at most`);
});

test('any other process gives it back', options, () => {
  assert.ok(runs('').stayed < 100e6);
});
