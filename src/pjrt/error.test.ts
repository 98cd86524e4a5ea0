import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorCodeName, PjrtError } from './error.ts';

test('the message is the first line that says something, the full text is kept', () => {
  const text = '\n====\n*** \nOut of memory allocating 12 bytes.\n=== Source Location Trace: ===\nxla/a.cc:1';
  const error = new PjrtError('RESOURCE_EXHAUSTED', text);
  assert.equal(error.message, 'Out of memory allocating 12 bytes.');
  assert.equal(error.fullText, text);
  assert.equal(error.codeNumber, 8);
  assert.match(error.toUserString(), /hint: the device is out of memory/);
});

test('a message of any length fits a line', () => {
  assert.ok(new PjrtError('INTERNAL', 'x'.repeat(10_000)).message.length < 500);
  assert.equal(new PjrtError('INTERNAL', '').message, '');
});

test('codes outside of the C API are unknown ones', () => {
  assert.equal(errorCodeName(3), 'INVALID_ARGUMENT');
  assert.equal(errorCodeName(99), 'UNKNOWN');
});
