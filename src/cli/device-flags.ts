import { Option, type Command } from 'commander';
import {
  DEVICE_NAMES,
  openBackend,
  predictionReplicas,
  type Backend,
  type DeviceName,
  type GpuHost,
} from '../runtime/index.ts';
import type { Context } from './command.ts';
import { FlagError } from './flag-error.ts';
import { parseCount, parseNatural, parsePositive } from './numbers.ts';

/** Flags that say where programs run. */
export interface DeviceFlags {
  readonly device: DeviceName;
  readonly replicas?: number;
  readonly threads?: number;
  readonly memoryFraction?: number;
  /** False with `--no-preallocate`. */
  readonly preallocate?: boolean;
  /** Where GPUs of several hosts find each other. */
  readonly store?: string;
  readonly hosts?: number;
  readonly hostIndex?: number;
}

export function addDeviceOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--device <name>', 'where to run; auto takes a TPU or GPU if there is one, and says what it tried')
        .choices(DEVICE_NAMES)
        .default('auto'),
    )
    .option(
      '--replicas <n>',
      'copies of the model that share each batch (default: all devices; on the CPU 1, or a few for predictions)',
      parseCount,
    )
    .option('--threads <n>', 'CPU threads for XLA (default: all cores)', parseCount)
    .option('--memory-fraction <share>', 'share of a GPU’s memory to take (default: 0.75)', parsePositive)
    .option('--no-preallocate', 'take a GPU’s memory as it is needed, not all of the share at the start');
}

/** Flags of commands that run on the GPUs of several hosts. */
export function addHostOptions(command: Command): Command {
  return command
    .option(
      '--hosts <n>',
      'processes with GPUs that train together, one a host; each gets the same command',
      parseCount,
    )
    .option('--host-index <i>', 'which of them this one is, from 0', parseNatural)
    .option('--store <url>', 'etcd where they find each other, with a name of the run: http://HOST:2379/NAME');
}

function gpuHostOf({ hosts, hostIndex, store }: DeviceFlags): GpuHost | undefined {
  if (hosts === undefined && hostIndex === undefined && store === undefined) return undefined;
  if (hosts === undefined || hostIndex === undefined || store === undefined) {
    throw new FlagError('MANY_HOSTS', 'GPUs of several hosts need all of --hosts, --host-index and --store', {
      expected: 'such as --hosts 2 --host-index 0 --store http://etcd:2379/run-7',
    });
  }
  return { index: hostIndex, count: hosts, store };
}

/** What commands that predict expect of a run's batch size before they have read it. */
export const USUAL_BATCH = 32;

/** Opens the device that the flags name. `predicts` is how many rows a batch of predictions has, for commands that do nothing else. */
export async function openDevice(
  flags: DeviceFlags,
  { log, signal }: Context,
  { acrossHosts = false, predicts = 1 }: { readonly acrossHosts?: boolean; readonly predicts?: number } = {},
): Promise<Backend> {
  const { device, replicas, threads, memoryFraction, preallocate } = flags;
  const backend = await openBackend({
    device,
    replicas,
    cpuReplicas: predictionReplicas(predicts, threads),
    threads,
    acrossHosts,
    memoryFraction,
    gpuHost: gpuHostOf(flags),
    // The plugin's default is to do so.
    preallocate: preallocate === false ? false : undefined,
    log,
    signal,
  });
  // As the notebooks of TPUs print it: people look for this line.
  log.info(`REPLICAS: ${backend.replicas}`);
  return backend;
}
