import { create, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { CompileOptionsProtoSchema, type OptionOverrideProtoSchema } from './compile_options_pb.ts';
import { PjrtError } from './error.ts';

/** How a program is laid out over devices, and what the compiler is told. */
export interface CompileOptions {
  /** Copies of the program that run together, each on its own device. */
  readonly replicas: number;
  /** Parts that one copy is split into; 1 unless given. */
  readonly partitions?: number;
  /** The devices, replica by replica and within it partition by partition; the client's first ones unless given. */
  readonly deviceIds?: readonly number[];
  /** XLA's debug options (`xla_…` flags) for this program alone. */
  readonly overrides?: Readonly<Record<string, string | number | boolean>>;
  /** Options of XLA's code generators for this program alone: those of its flag `xla_backend_extra_options`, which no override can set. */
  readonly extraOptions?: readonly string[];
}

/**
 * The options as a serialized CompileOptionsProto.
 *
 * @param deviceIds those to use where `options` names none.
 * @param debugOptions what stands in place of the plugin's default DebugOptions (`withExtraOptions`); `extraOptions` aren't read here.
 */
export function encodeCompileOptions(
  options: CompileOptions,
  deviceIds: readonly number[],
  debugOptions?: Uint8Array,
): Uint8Array {
  const { replicas, partitions = 1 } = options;
  const ids = options.deviceIds ?? deviceIds.slice(0, replicas * partitions);
  if (ids.length !== replicas * partitions) {
    throw new PjrtError('INVALID_ARGUMENT', `a program of ${describe(replicas, partitions)} needs as many devices`, {
      expected: `${replicas * partitions} devices`,
      received: `${ids.length}`,
    });
  }
  // Over any other number some plugins end the process.
  const senseless = ids.find((id) => !Number.isSafeInteger(id) || id < 0);
  if (senseless !== undefined) {
    throw new PjrtError('INVALID_ARGUMENT', `there can't be a device ${senseless}`, {
      expected: 'whole numbers from 0',
    });
  }
  // Two replicas on one device would wait for each other for ever.
  if (new Set(ids).size < ids.length) {
    throw new PjrtError('INVALID_ARGUMENT', 'a program has one device twice', { received: ids.join(', ') });
  }
  const overrides = Object.entries(options.overrides ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const message = create(CompileOptionsProtoSchema, {
    executableBuildOptions: {
      deviceOrdinal: -1n,
      debugOptions,
      numReplicas: BigInt(replicas),
      numPartitions: BigInt(partitions),
      useSpmdPartitioning: partitions > 1,
      deviceAssignment: {
        replicaCount: replicas,
        computationCount: partitions,
        computationDevices: Array.from({ length: partitions }, (__, partition) => ({
          replicaDeviceIds: ids.filter((_, i) => i % partitions === partition).map(BigInt),
        })),
      },
    },
    envOptionOverrides: Object.fromEntries(overrides.map(([name, value]) => [name, encodeOverride(value)])),
  });
  return toBinary(CompileOptionsProtoSchema, message);
}

function describe(replicas: number, partitions: number): string {
  return partitions === 1 ? `${replicas} replicas` : `${replicas} replicas of ${partitions} partitions`;
}

function encodeOverride(value: string | number | boolean): MessageInitShape<typeof OptionOverrideProtoSchema> {
  if (typeof value === 'string') return { value: { case: 'stringField', value } };
  if (typeof value === 'boolean') return { value: { case: 'boolField', value } };
  if (Number.isInteger(value)) return { value: { case: 'intField', value: BigInt(value) } };
  return { value: { case: 'doubleField', value } };
}
