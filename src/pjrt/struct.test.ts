import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readWords } from './ffi.ts';
import { FUNCTIONS } from './functions.ts';
import { StructType } from './struct.ts';

test('struct_size is what a plugin of that version was built with', () => {
  const { args } = FUNCTIONS.Executable_GetCompiledMemoryStats;
  assert.equal(args.sizeFor(71) * 8, 104);
  assert.equal(args.sizeFor(81) * 8, 112);
  assert.equal(args.sizeFor(90) * 8, 120);
  assert.equal(args.sizeFor(113) * 8, 144);
  assert.ok(args.sizeFor(200) * 8 > 144, 'a newer plugin gets room for fields that are not known yet');
});

test('fields lie one after another, behind struct_size and extension_start', () => {
  const type = new StructType({ dims: 'int64s', kind: 'int', flag: 'bool', late: ['out size', 100] });
  const struct = type.create(99).write({ dims: [3, -1], kind: -2, flag: true });
  const words = readWords(struct.address, 7);
  assert.deepEqual([...words], [48n, 0n, words[2], 2n, 0xfffffffen, 1n, 0n]);
  assert.deepEqual([...readWords(words[2], 2)], [3n, 2n ** 64n - 1n]);
});

test('values come back as they were written', () => {
  const type = new StructType({ flag: 'inout bool', number: 'inout int', text: 'inout text' });
  const struct = type.create(0).write({ number: -7, text: 'grün' });
  assert.deepEqual(struct.read(), { flag: false, number: -7, text: 'grün' });
});

test('a second write leaves nothing of the first', () => {
  const struct = new StructType({ a: 'inout size', b: 'inout size' }).create(0);
  struct.write({ a: 1, b: 2 });
  assert.deepEqual(struct.write({ b: 3 }).read(), { a: 0, b: 3 });
});
