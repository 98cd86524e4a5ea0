import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressOf, libraryFunction, nativeFunction } from './ffi.ts';

type FindSymbol = (library: number, name: string) => number;

const findSymbol = libraryFunction('size_t dlsym(size_t library, const char *name)') as FindSymbol | undefined;

test('a call on a worker thread is on its way when it returns', { skip: findSymbol === undefined }, async () => {
  // time(3) writes the seconds since 1970 where it is told to.
  const clock = nativeFunction(BigInt(findSymbol!(0, 'time')));
  const seconds = new BigInt64Array(1);
  const done = clock.callAsync(addressOf(seconds), [seconds]);
  // Meanwhile this thread does nothing else, as while it traces a large program.
  const never = new Int32Array(new SharedArrayBuffer(4));
  for (let waits = 0; seconds[0] === 0n && waits < 1000; waits++) Atomics.wait(never, 0, 0, 10);
  assert.ok(seconds[0] > 1_700_000_000n, `${seconds[0]}`);
  await done;
});
