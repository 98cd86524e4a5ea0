import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PjrtError } from './error.ts';
import { addressOf, nativeCallback, nativeFunction, readBytes, type Pointer } from './ffi.ts';
import { KeyValueCallbacks, type KeyValueStore } from './key-value-store.ts';

/** A store of one process. */
class LocalStore implements KeyValueStore {
  readonly values = new Map<string, Uint8Array>();
  get(key: string, timeout: number): Uint8Array {
    const value = this.values.get(key);
    if (value !== undefined) return value;
    throw new PjrtError('DEADLINE_EXCEEDED', `no value of ${key} in ${timeout} ms`);
  }
  tryGet(key: string): Uint8Array | undefined {
    return this.values.get(key);
  }
  put(key: string, value: Uint8Array): void {
    this.values.set(key, value);
  }
}

const text = (value: string) => new TextEncoder().encode(value);

/** Calls as a plugin does: from a thread of its own, with a struct of words. */
async function call(callback: Pointer, words: (bigint | ArrayBufferView)[]) {
  const alive: ArrayBufferView[] = [];
  const memory = BigUint64Array.from(words, (word) => {
    if (typeof word === 'bigint') return word;
    alive.push(word);
    return addressOf(word);
  });
  const error = await nativeFunction(callback).callAsync(addressOf(memory), [memory, alive]);
  return { error, memory };
}

test('a plugin puts and gets values from a thread of its own, and gives them back', async () => {
  const store = new LocalStore();
  const callbacks = new KeyValueCallbacks(store);
  const key = text('topology/0');
  const value = Uint8Array.of(1, 0, 255, 7);
  const put = await call(callbacks.put, [64n, 0n, key, BigInt(key.length), value, 4n, 0n, 0n]);
  assert.equal(put.error, 0n);
  assert.deepEqual(store.values.get('topology/0'), value);

  const get = await call(callbacks.get, [80n, 0n, key, BigInt(key.length), 5000n, 0n, 0n, 0n, 0n, 0n]);
  assert.equal(get.error, 0n);
  const [address, size, deleter] = get.memory.subarray(7);
  assert.deepEqual(readBytes(address, Number(size)), value);
  const tried = await call(callbacks.tryGet, [72n, 0n, key, BigInt(key.length), 0n, 0n, 0n, 0n, 0n]);
  assert.deepEqual(readBytes(tried.memory[6], Number(tried.memory[7])), value);
  assert.equal(callbacks.lentCount, 2);
  await nativeFunction(deleter).callAsync(address, []);
  await nativeFunction(tried.memory[8]).callAsync(tried.memory[6], []);
  assert.equal(callbacks.lentCount, 0);
  callbacks.release();
});

test('what goes wrong becomes an error that the plugin makes', async () => {
  const callbacks = new KeyValueCallbacks(new LocalStore());
  // A plugin's factory of errors takes a code, a text and its length; this one keeps the code.
  const made: bigint[] = [];
  const factory = nativeCallback((code) => {
    made.push(code & 0xffffffffn);
    return 77n;
  });
  const pointer = BigUint64Array.of(factory.address);
  const key = text('none');
  const get = await call(callbacks.get, [80n, 0n, key, BigInt(key.length), 5n, pointer, 0n, 0n, 0n, 0n]);
  assert.equal(get.error, 77n);
  const tried = await call(callbacks.tryGet, [72n, 0n, key, BigInt(key.length), pointer, 0n, 0n, 0n, 0n]);
  assert.equal(tried.error, 77n);
  // DEADLINE_EXCEEDED and NOT_FOUND.
  assert.deepEqual(made, [4n, 5n]);
  for (const each of [callbacks, factory]) each.release();
});
