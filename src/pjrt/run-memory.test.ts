import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';

const glibc = (process.report.getReport() as { header: { glibcVersionRuntime?: string } }).header.glibcVersionRuntime;
const options = { skip: glibc === undefined && 'needs glibc' };

/** What every script begins with. */
const PRELUDE = `
  import { libraryFunction } from './ffi.ts';
  import { returningMemory } from './heap.ts';
  import { prepareRun, reserveRun } from './run-memory.ts';
  const take = libraryFunction('size_t aligned_alloc(size_t alignment, size_t size)');
  const fill = libraryFunction('size_t memset(size_t place, int value, size_t size)');
  const free = libraryFunction('void free(size_t place)');
  const size = 256 * 2 ** 20;
  /** A run as XLA's client does it; returns how many pages it touched anew, with what settles beside it. */
  async function run(value, settle = () => {}) {
    const watch = await prepareRun(() => size);
    watch(() => true);
    const { minorPageFault } = process.resourceUsage();
    const piece = take(64, size);
    fill(piece, value, size);
    settle();
    const touched = process.resourceUsage().minorPageFault - minorPageFault;
    free(piece);
    return touched;
  }
`;

/**
 * Takes 256 MiB as XLA's client does, touches them, takes small pieces and frees the large one, as each run of a program does; first,
 * 400 MB of variables that stay, and beside each run the next one's pictures. Prints how many pages the last run touched anew, and
 * the largest memory of all.
 */
const RUNS = `
  await returningMemory(async () => {});
  // Small pieces that lie free elsewhere, so that the next ones come from around the large one.
  for (let i = 0; i < 40_000; i++) take(16, 24 + 16 * (i % 10));
  for (let i = 0; i < 100; i++) take(64, 4e6);
  let pictures;
  const before = process.memoryUsage.rss();
  let touched;
  for (let step = 0; step < 20; step++) {
    touched = await run(step, () => {
      for (let i = 0; i < 10; i++) take(16, 24 + 16 * i);
      take(64, 70_000);
    });
    if (pictures !== undefined) free(pictures);
    pictures = take(64, 3 * 2 ** 20);
    fill(pictures, step, 3 * 2 ** 20);
  }
  const { maxRSS } = process.resourceUsage();
  console.log(JSON.stringify({ touched, stayed: process.memoryUsage.rss() - before, peak: maxRSS * 1024 - before }));
`;

function runs(tunables: string): { touched: number; stayed: number; peak: number } {
  return printedBy(RUNS, tunables) as { touched: number; stayed: number; peak: number };
}

/** What a process of its own prints, which reads these settings of glibc when it starts. */
function printedBy(script: string, tunables: string): unknown {
  const text = execFileSync(process.execPath, ['--input-type=module', '--eval', PRELUDE + script], {
    cwd: import.meta.dirname,
    env: { ...process.env, GLIBC_TUNABLES: tunables },
    encoding: 'utf8',
  });
  return JSON.parse(text);
}

test('once compiled, a process of one heap keeps the memory of its runs, and takes no more', options, () => {
  const { touched, stayed, peak } = runs('glibc.malloc.arena_max=1:glibc.malloc.tcache_count=0');
  assert.ok(touched < 1000, `${touched} pages`);
  assert.ok(stayed > 250e6 && peak < 350e6, `${stayed} bytes stayed, ${peak} at most`);
});

test('any other process gives it back', options, () => {
  assert.ok(runs('').stayed < 100e6);
});

/** A run whose memory comes back 4 ms after its end. Prints whether it was back when the next run was ready. */
const LATE = `
  await returningMemory(async () => {});
  const watch = await prepareRun(() => size);
  watch(() => true);
  const piece = take(64, size);
  let isBack = false;
  setTimeout(() => {
    free(piece);
    isBack = true;
  }, 4);
  await prepareRun(() => size);
  console.log(JSON.stringify(isBack));
`;

test('the memory of the run before is waited for', options, () => {
  assert.equal(printedBy(LATE, 'glibc.malloc.arena_max=1:glibc.malloc.tcache_count=0'), true);
});

/** A program's memory is reserved, all that it is given comes, and it runs three times. Prints the pages that each run touches anew. */
const RESERVED = `
  reserveRun({ bytes: size, given: 80e6 });
  await returningMemory(async () => {});
  for (let i = 0; i < 20; i++) take(64, 4e6);
  const touched = [];
  for (let step = 0; step < 3; step++) {
    touched.push(await run(step));
    take(64, 2e6);
  }
  console.log(JSON.stringify(touched));
`;

test('memory that was reserved is clear before the first run, and stays where it was', options, () => {
  const touched = printedBy(RESERVED, 'glibc.malloc.arena_max=1:glibc.malloc.tcache_count=0') as number[];
  assert.ok(touched.every((pages) => pages < 1000), `${touched.join(', ')} pages`); // prettier-ignore
});
