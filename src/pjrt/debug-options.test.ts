import assert from 'node:assert/strict';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import { openClient, testOnCpu } from '../../test/plugins.ts';
import type { CompileOptions } from './compile-options.ts';
import { debugOptionsOf } from './debug-options.ts';

const NO_UNROLLING = 'xla_cpu_disable_loop_unrolling';
const UNKNOWN = 'xla_no_such_option';
/** Three kernels, so that what is left out of each adds up to more than the margin on every processor. */
const JOIN = `func.func @main(%x: tensor<64x48xf32>, %y: tensor<64x16xf32>) -> (tensor<64x64xf32>, tensor<64x64xf32>, tensor<64x96xf32>) {
  %joined = stablehlo.concatenate %x, %y, dim = 1 : (tensor<64x48xf32>, tensor<64x16xf32>) -> tensor<64x64xf32>
  %turned = stablehlo.concatenate %y, %x, dim = 1 : (tensor<64x16xf32>, tensor<64x48xf32>) -> tensor<64x64xf32>
  %twice = stablehlo.concatenate %x, %x, dim = 1 : (tensor<64x48xf32>, tensor<64x48xf32>) -> tensor<64x96xf32>
  return %joined, %turned, %twice : tensor<64x64xf32>, tensor<64x64xf32>, tensor<64x96xf32>
}`;

/** The fields of a message, each as it is written. */
function fieldsOf(message: Uint8Array): string[] {
  const reader = new BinaryReader(message);
  const fields: string[] = [];
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [number, wireType] = reader.tag();
    reader.skip(wireType, number);
    fields.push(Buffer.from(message.subarray(start, reader.pos)).toString('latin1'));
  }
  return fields;
}

testOnCpu('an extra option reaches the compiler, and all others stay as they were', async (path, context) => {
  const client = await openClient(context, path);
  const compile = async (options: Pick<CompileOptions, 'overrides' | 'extraOptions'>) => {
    const executable = await client.compile(JOIN, { replicas: 1, ...options });
    const debugOptions = await debugOptionsOf(executable);
    assert.ok(debugOptions !== undefined);
    const { length } = await executable.serialize();
    executable.destroy();
    return { fields: fieldsOf(debugOptions), length };
  };
  for (const overrides of [undefined, { xla_cpu_enable_fast_math: true }]) {
    const plain = await compile({ overrides });
    const told = await compile({ overrides, extraOptions: [NO_UNROLLING] });
    const added = told.fields.filter((field) => !plain.fields.includes(field));
    assert.equal(told.fields.length, plain.fields.length + 1);
    assert.equal(added.length, 1);
    assert.ok(added[0].includes(NO_UNROLLING));
    // What a generator of code doesn't know is no error, and changes no code.
    const unrolled = await compile({ overrides, extraOptions: [UNKNOWN] });
    assert.ok(told.length < unrolled.length - 500, `${told.length} bytes instead of ${unrolled.length}`);
  }
});
