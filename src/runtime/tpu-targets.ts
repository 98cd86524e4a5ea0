import { didYouMean } from '../base/index.ts';
import type { Options } from '../pjrt/index.ts';
import { RuntimeError } from './errors.ts';

/** Figures of one generation of TPUs for one device, which is what one replica runs on; from Google's documentation. */
interface TpuGeneration {
  /** bfloat16 operations a second. */
  readonly flopsPerSecond: number;
  /** Bytes a second from and to HBM. */
  readonly bytesPerSecond: number;
  /** Cycles a second of the TensorCore. */
  readonly clock: number;
  /** Virtual CPUs of a host, by which its input pipeline is judged. */
  readonly hostCpus: number;
  readonly devicesPerHost: number;
  /** How libtpu calls it in the name of a topology. */
  readonly topology: string;
  /** Arrangements of chips by the number in the target's name. */
  readonly shapes: Readonly<Record<number, string>>;
  readonly options?: Options;
  /** What GKE calls it, where node pools have it. */
  readonly gke?: { readonly accelerator: string; readonly chipsPerHost: number };
}

/** A host has four chips, and each of them two cores, which are two devices. */
const CORES = { 8: '2x2', 32: '4x4', 64: '4x8', 128: '8x8', 256: '8x16', 512: '16x16' };
const CUBES = { 8: '2x2x1', 16: '2x2x2', 32: '2x2x4', 64: '2x4x4', 128: '4x4x4', 256: '4x4x8', 512: '4x8x8' };
const SQUARES = { 1: '1x1', 4: '2x2', 8: '2x4', 16: '4x4', 32: '4x8', 64: '8x8', 128: '8x16', 256: '16x16' };

/** v2, v3, v4 and v5p are counted in cores, v5e and v6e in chips; from v4 on a chip's two cores are one device. */
const GENERATIONS: Readonly<Record<string, TpuGeneration>> = {
  v2: {
    flopsPerSecond: 22.5e12,
    bytesPerSecond: 350e9,
    clock: 700e6,
    hostCpus: 96,
    devicesPerHost: 8,
    topology: 'v2',
    shapes: CORES,
  },
  v3: {
    flopsPerSecond: 61.5e12,
    bytesPerSecond: 450e9,
    clock: 940e6,
    hostCpus: 96,
    devicesPerHost: 8,
    topology: 'v3',
    shapes: CORES,
  },
  v4: {
    flopsPerSecond: 275e12,
    bytesPerSecond: 1228e9,
    clock: 1050e6,
    hostCpus: 240,
    devicesPerHost: 4,
    topology: 'v4',
    shapes: CUBES,
    options: { chip_config_name: 'megacore' },
    gke: { accelerator: 'tpu-v4-podslice', chipsPerHost: 4 },
  },
  v5e: {
    flopsPerSecond: 197e12,
    bytesPerSecond: 819e9,
    clock: 1500e6,
    hostCpus: 112,
    devicesPerHost: 4,
    topology: 'v5e',
    shapes: SQUARES,
    gke: { accelerator: 'tpu-v5-lite-podslice', chipsPerHost: 4 },
  },
  v5p: {
    flopsPerSecond: 459e12,
    bytesPerSecond: 2765e9,
    clock: 1750e6,
    hostCpus: 208,
    devicesPerHost: 4,
    topology: 'v5p',
    shapes: CUBES,
    gke: { accelerator: 'tpu-v5p-slice', chipsPerHost: 4 },
  },
  v6e: {
    flopsPerSecond: 918e12,
    bytesPerSecond: 1640e9,
    clock: 1750e6,
    hostCpus: 180,
    devicesPerHost: 4,
    topology: 'v6e',
    shapes: SQUARES,
    gke: { accelerator: 'tpu-v6e-slice', chipsPerHost: 4 },
  },
};

/** A TPU slice that programs can be compiled for, whether or not it is at hand. */
export interface TpuTarget extends Omit<TpuGeneration, 'topology' | 'shapes' | 'options'> {
  /** Such as `v3-8`. */
  readonly name: string;
  /** Devices of all hosts, a replica each. */
  readonly devices: number;
  /** How its chips are arranged, such as `2x4`. */
  readonly shape: string;
  /** What libtpu calls it, such as `v3:2x2`. */
  readonly topology: string;
  readonly topologyOptions: Options;
}

/** Names of all targets, in the order of their age and size. */
export const TPU_TARGETS: readonly string[] = Object.entries(GENERATIONS).flatMap(([name, { shapes }]) =>
  Object.keys(shapes).map((size) => `${name}-${size}`),
);

/** The target of this name. @throws RuntimeError with the nearest names. */
export function tpuTarget(name: string): TpuTarget {
  // Google's own name of the v5e in many places.
  const [, generation = '', size] = /^(\w+)-(\d+)$/.exec(name.replace(/^v5litepod-/, 'v5e-')) ?? [];
  const row: TpuGeneration | undefined = GENERATIONS[generation];
  const shape = row?.shapes[Number(size)];
  if (row === undefined || shape === undefined) {
    const sizes = row === undefined ? undefined : Object.keys(row.shapes).map((each) => `${generation}-${each}`);
    throw new RuntimeError('TARGET', `there is no target "${name}"`, {
      expected: sizes?.join(', '),
      hint: didYouMean(name, TPU_TARGETS),
    });
  }
  const { topology, shapes: _, options = {}, ...figures } = row;
  // Eight chips of these are also sold as one machine, which is how notebooks have them.
  const together = row.shapes === SQUARES && size === '8';
  return {
    ...figures,
    name: `${generation}-${size}`,
    // Where two cores are one device, the number in the name counts cores.
    devices: generation === 'v4' || generation === 'v5p' ? Number(size) / 2 : Number(size),
    shape,
    topology: `${topology}:${shape}`,
    topologyOptions: together ? { ...options, chips_per_host_bounds: [2, 4, 1] } : options,
    ...(together && { devicesPerHost: 8, hostCpus: 2 * row.hostCpus }),
  };
}
