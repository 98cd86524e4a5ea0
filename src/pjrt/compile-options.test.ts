import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromBinary, toJson } from '@bufbuild/protobuf';
import { openClient, testOnCpu } from '../../test/plugins.ts';
import { identity } from '../../test/stablehlo.ts';
import { CompileOptionsProtoSchema } from './compile_options_pb.ts';
import { encodeCompileOptions } from './compile-options.ts';

test('each replica gets a device, the first ones unless told otherwise', () => {
  const read = (bytes: Uint8Array) => toJson(CompileOptionsProtoSchema, fromBinary(CompileOptionsProtoSchema, bytes));
  assert.deepEqual(read(encodeCompileOptions({ replicas: 2, overrides: { flag: true, level: 3 } }, [4, 5, 6])), {
    executableBuildOptions: {
      deviceOrdinal: '-1',
      numReplicas: '2',
      numPartitions: '1',
      deviceAssignment: {
        replicaCount: 2,
        computationCount: 1,
        computationDevices: [{ replicaDeviceIds: ['4', '5'] }],
      },
    },
    envOptionOverrides: { flag: { boolField: true }, level: { intField: '3' } },
  });
});

test('the order of overrides makes no other bytes', () => {
  const encode = (overrides: Record<string, number>) => encodeCompileOptions({ replicas: 1, overrides }, [0]);
  assert.deepEqual(encode({ a: 1, b: 2 }), encode({ b: 2, a: 1 }));
});

test('too few devices are told before the compiler is asked', () => {
  assert.throws(() => encodeCompileOptions({ replicas: 8 }, [0]), { code: 'INVALID_ARGUMENT', received: '1' });
});

testOnCpu('overrides reach the compiler', async (path, context) => {
  const client = await openClient(context, path);
  const compile = (overrides: Record<string, string | boolean>) =>
    client.compile(identity('f32'), { replicas: 1, overrides });
  (await compile({ xla_cpu_enable_fast_math: true })).destroy();
  await assert.rejects(compile({ xla_no_such_option: true }), /xla_no_such_option/);
});
