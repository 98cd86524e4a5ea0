import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { readDeviceTrace } from './device-trace.ts';

type Fields = readonly (readonly [number: number, value: number | string | Uint8Array])[];

function message(fields: Fields): Uint8Array {
  const writer = new BinaryWriter();
  for (const [number, value] of fields) {
    if (typeof value === 'number') writer.tag(number, WireType.Varint).int64(value);
    else if (typeof value === 'string') writer.tag(number, WireType.LengthDelimited).string(value);
    else writer.tag(number, WireType.LengthDelimited).bytes(value);
  }
  return writer.finish();
}

const entry = (key: number, value: Uint8Array) => message([[1, key], [2, value]]); // prettier-ignore
const named = (id: number, name: string, ...more: Fields) => message([[1, id], [2, name], ...more]);
const event = (metadata: number, picoseconds: number, ...stats: readonly Uint8Array[]) =>
  message([[1, metadata], [2, 7], [3, picoseconds], ...stats.map((stat) => [4, stat] as const)]); // prettier-ignore

test('kernels of GPUs are read with the instruction that each ran for, and nothing of the host', () => {
  const gpu = message([
    [2, '/device:GPU:0'],
    [3, named(13, 'Stream #13(Compute)', [4, event(1, 2_000_000, message([[1, 10], [5, 'fusion.3']]))], [4, event(2, 500, message([[1, 10], [7, 20]]))])], // prettier-ignore
    [3, named(14, 'Stream #14(MemcpyH2D)', [4, event(3, 1_000_000)])],
    [4, entry(1, named(1, 'loop_fusion'))],
    [4, entry(2, named(2, 'sm90_xmma_fprop'))],
    [4, entry(3, named(3, 'MemcpyH2D'))],
    [5, entry(10, named(10, 'hlo_op'))],
    [5, entry(20, named(20, 'cudnn-conv.1'))],
  ]);
  const host = message([[2, '/host:CPU'], [3, named(1, 'python', [4, event(1, 5)])]]); // prettier-ignore
  const space = message([[1, host], [1, gpu]]); // prettier-ignore
  assert.deepEqual(readDeviceTrace(space), [
    { name: 'loop_fusion', instruction: 'fusion.3', seconds: 2e-6 },
    { name: 'sm90_xmma_fprop', instruction: 'cudnn-conv.1', seconds: 5e-10 },
    { name: 'MemcpyH2D', instruction: undefined, seconds: 1e-6 },
  ]);
});

test('of a TPU the line of ops counts: steps and modules hold the same time again', () => {
  const tpu = message([
    [2, '/device:TPU:0'],
    [3, named(1, 'Steps', [4, event(2, 9000)])],
    [3, named(2, 'XLA Ops', [4, event(1, 4000)])],
    [4, entry(1, named(1, '%fusion.1 = f32[8] fusion(%a)', [4, 'fusion.1']))],
    [4, entry(2, named(2, '0'))],
  ]);
  assert.deepEqual(readDeviceTrace(message([[1, tpu]])), [
    { name: 'fusion.1', instruction: 'fusion.1', seconds: 4e-9 },
  ]);
  assert.deepEqual(readDeviceTrace(new Uint8Array()), []);
});
