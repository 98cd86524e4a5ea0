import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memorySettings } from './memory-settings.ts';

test('training has huge pages, inference keeps its memory too', () => {
  assert.equal(memorySettings(['train', 'flowers102']), 'glibc.malloc.hugetlb=1');
  assert.match(
    memorySettings(['--json', 'predict', 'run', 'a.jpg']) ?? '',
    /^glibc\.malloc\.hugetlb=1:.*arena_max=1:.*mmap_threshold=4294967296:.*trim_threshold=\d+$/,
  );
});

test('other commands, and a user’s own settings of malloc, stay as they are', () => {
  assert.equal(memorySettings(['doctor']), undefined);
  assert.equal(memorySettings([]), undefined);
  assert.equal(memorySettings(['toString']), undefined);
  assert.equal(memorySettings(['train'], 'glibc.malloc.check=3'), undefined);
  assert.equal(memorySettings(['train'], 'glibc.pthread.rseq=0'), 'glibc.pthread.rseq=0:glibc.malloc.hugetlb=1');
});
