import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeOptions, readNamedValues } from './named-value.ts';

test('options of every type survive the way through a C array', () => {
  const encoded = encodeOptions({
    platform: 'größe',
    cpu_device_count: 8,
    big: -(2n ** 40n),
    memory_fraction: 0.75,
    whole: { float: 1 },
    preallocate: true,
    off: false,
    visible_devices: [0, 3],
  });
  assert.deepEqual(readNamedValues(encoded.address, encoded.count), {
    platform: 'größe',
    cpu_device_count: 8n,
    big: -(2n ** 40n),
    memory_fraction: 0.75,
    whole: 1,
    preallocate: true,
    off: false,
    visible_devices: [0n, 3n],
  });
  assert.deepEqual(readNamedValues(0n, 0), {});
});
