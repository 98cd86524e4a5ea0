import { Option, type Command } from 'commander';
import { DEVICE_NAMES, openBackend, type Backend, type DeviceName } from '../runtime/index.ts';
import type { Context } from './command.ts';
import { parseCount } from './numbers.ts';

/** Flags that say where programs run. */
export interface DeviceFlags {
  readonly device: DeviceName;
  readonly replicas?: number;
  readonly threads?: number;
}

export function addDeviceOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--device <name>', 'where to run; auto takes a TPU or GPU if there is one')
        .choices(DEVICE_NAMES)
        .default('auto'),
    )
    .option(
      '--replicas <n>',
      'copies of the model that share each batch (default: all devices, or 1 on the CPU)',
      parseCount,
    )
    .option('--threads <n>', 'CPU threads for XLA (default: all cores)', parseCount);
}

export async function openDevice({ device, replicas, threads }: DeviceFlags, { log }: Context): Promise<Backend> {
  return openBackend({ device, replicas, threads, log });
}
