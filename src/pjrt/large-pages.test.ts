import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { release } from 'node:os';
import { test } from 'node:test';

/** Fills 256 MiB of the heap in pages of 4 KB; prints the bytes in large pages before and after they are gathered. */
const GATHER = `
  import { readFileSync } from 'node:fs';
  import { libraryFunction } from './ffi.ts';
  import { returningMemory } from './heap.ts';
  import { gatherLargePages } from './large-pages.ts';
  const take = libraryFunction('size_t aligned_alloc(size_t alignment, size_t size)');
  const fill = libraryFunction('size_t memset(size_t place, int value, size_t size)');
  const large = () => Number(/^AnonHugePages: +(\\d+)/m.exec(readFileSync('/proc/self/smaps_rollup', 'utf8'))[1]) * 1024;
  await returningMemory(async () => {});
  const size = 256 * 2 ** 20;
  const place = take(64, size);
  fill(place, 7, size);
  const before = large();
  await gatherLargePages();
  console.log(JSON.stringify({ before, after: large() }));
  console.log(libraryFunction('int memcmp(size_t a, size_t b, size_t size)')(place, place + 1, size - 1));
`;

const [major, minor] = release().split('.').map(Number);
const isNew = process.platform === 'linux' && (major > 6 || (major === 6 && minor >= 1));

test('the heap is gathered into large pages', { skip: !isNew && 'needs Linux 6.1' }, () => {
  const [sizes, difference] = execFileSync(process.execPath, ['--input-type=module', '--eval', GATHER], {
    cwd: import.meta.dirname,
    env: { ...process.env, GLIBC_TUNABLES: 'glibc.malloc.arena_max=1:glibc.malloc.tcache_count=0' },
    encoding: 'utf8',
  }).split('\n');
  const { before, after } = JSON.parse(sizes) as { before: number; after: number };
  assert.ok(before < 100e6 && after > 200e6, sizes);
  assert.equal(difference, '0');
});
