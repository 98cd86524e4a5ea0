import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PjrtError } from '../pjrt/index.ts';
import { batchThatFits, memoryShortage } from './out-of-memory.ts';

const GIB = 2 ** 30;

/** As libtpu 0.0.52 says it of a program that is compiled for a v3-8. */
const COMPILE_TIME =
  'E1000: CompileTimeHbmOom: Ran out of memory on HBM, the total memory required for HLO temporaries (19.92G) exceeds ' +
  'available HBM (15.48G). HLO module: x.\nSee https://openxla.org/xla/errors/error_1000 for more details.';

test('a compiler’s message tells how much is needed and how much there is', () => {
  const shortage = memoryShortage(new PjrtError('RESOURCE_EXHAUSTED', COMPILE_TIME));
  assert.deepEqual(shortage, { neededBytes: 19.92 * GIB, availableBytes: 15.48 * GIB });
  assert.equal(batchThatFits(shortage, { batchSize: 1024, replicas: 8, argumentBytes: GIB }), 744);
  assert.equal(batchThatFits(shortage, { batchSize: 8, replicas: 8, argumentBytes: 0 }), undefined);
});

test('an allocator’s message tells what it was asked for; others tell nothing, and are shortages all the same', () => {
  const allocator = new PjrtError('RESOURCE_EXHAUSTED', 'Out of memory while trying to allocate 123456 bytes.');
  assert.deepEqual(memoryShortage(allocator), { neededBytes: 123456, availableBytes: NaN });
  const unknown = memoryShortage(new PjrtError('RESOURCE_EXHAUSTED', 'no room'));
  assert.ok(unknown !== undefined);
  assert.equal(batchThatFits(unknown, { batchSize: 64, replicas: 8, argumentBytes: 0 }), undefined);
  assert.equal(memoryShortage(new PjrtError('INTERNAL', COMPILE_TIME)), undefined);
  assert.equal(memoryShortage(new Error(COMPILE_TIME)), undefined);
});
