import { Option, type Command } from 'commander';
import { DEVICE_NAMES, openBackend, type Backend, type DeviceName } from '../runtime/index.ts';
import type { Context } from './command.ts';
import { parseCount, parsePositive } from './numbers.ts';

/** Flags that say where programs run. */
export interface DeviceFlags {
  readonly device: DeviceName;
  readonly replicas?: number;
  readonly threads?: number;
  readonly memoryFraction?: number;
  /** False with `--no-preallocate`. */
  readonly preallocate?: boolean;
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
      'copies of the model that share each batch (default: all devices, or 1 on the CPU)',
      parseCount,
    )
    .option('--threads <n>', 'CPU threads for XLA (default: all cores)', parseCount)
    .option('--memory-fraction <share>', 'share of a GPU’s memory to take (default: 0.75)', parsePositive)
    .option('--no-preallocate', 'take a GPU’s memory as it is needed, not all of the share at the start');
}

export async function openDevice(flags: DeviceFlags, { log }: Context, { acrossHosts = false } = {}): Promise<Backend> {
  const { device, replicas, threads, memoryFraction, preallocate } = flags;
  const backend = await openBackend({
    device,
    replicas,
    threads,
    acrossHosts,
    memoryFraction,
    // The plugin's default is to do so.
    preallocate: preallocate === false ? false : undefined,
    log,
  });
  log.info(`REPLICAS: ${backend.replicas}`);
  return backend;
}
