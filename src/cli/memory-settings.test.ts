import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memorySettings } from './memory-settings.ts';

const SETTINGS = 'glibc.malloc.arena_max=1:glibc.malloc.tcache_count=0';

test('what runs programs has one heap', () => {
  assert.equal(memorySettings(['train', 'flowers102']), SETTINGS);
  assert.equal(memorySettings(['--json', 'predict', 'run', 'a.jpg']), SETTINGS);
});

test('what runs on an accelerator has a heap for each thread', () => {
  assert.equal(memorySettings(['train', 'cnn', '--device', 'cuda']), undefined);
  assert.equal(memorySettings(['train', 'cnn', '--device=tpu']), undefined);
  assert.equal(memorySettings(['train', 'cnn', '--device', 'auto'], '', true), undefined);
  assert.equal(memorySettings(['train', 'cnn'], '', true), undefined);
  assert.equal(memorySettings(['train', 'cnn', '--device', 'cpu'], '', true), SETTINGS);
  assert.equal(memorySettings(['train', 'cnn', '--device=cpu'], '', true), SETTINGS);
});

test('other commands, and a user’s own settings of malloc, stay as they are', () => {
  assert.equal(memorySettings(['doctor']), undefined);
  assert.equal(memorySettings([]), undefined);
  assert.equal(memorySettings(['toString']), undefined);
  assert.equal(memorySettings(['train'], 'glibc.malloc.check=3'), undefined);
  assert.equal(memorySettings(['train'], 'glibc.pthread.rseq=0'), `glibc.pthread.rseq=0:${SETTINGS}`);
});
