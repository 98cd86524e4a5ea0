import { glob, readFile } from 'node:fs/promises';
import type { PluginPlatform } from '../assets/index.ts';

/** Device files of TPUs: `/dev/accel*` up to v4, `/dev/vfio/N` from v5e on. */
export async function visibleTpus(): Promise<string[]> {
  return [...(await matches('/dev/accel[0-9]*')), ...(await matches('/dev/vfio/[0-9]*'))];
}

/** Device files of NVIDIA GPUs, one each. */
export async function visibleNvidiaGpus(): Promise<string[]> {
  return matches('/dev/nvidia[0-9]*');
}

/** Device files of AMD GPUs: the compute driver's, and one for each GPU. */
export async function visibleAmdGpus(): Promise<string[]> {
  const driver = await matches('/dev/kfd');
  return driver.length === 0 ? [] : [...driver, ...(await matches('/dev/dri/renderD[0-9]*'))];
}

/** The version of NVIDIA's kernel driver, such as `580.65.06`, or undefined without one. */
export async function nvidiaDriverVersion(): Promise<string | undefined> {
  const text = await readFile('/proc/driver/nvidia/version', 'utf8').catch(() => '');
  return /Kernel Module.*?\s(\d+\.\d+(?:\.\d+)?)\s/.exec(text)?.[1];
}

/** The version of AMD's kernel driver, where it is not the kernel's own. */
export async function amdDriverVersion(): Promise<string | undefined> {
  const text = await readFile('/sys/module/amdgpu/version', 'utf8').catch(() => '');
  return text.trim() === '' ? undefined : text.trim();
}

/** How a kind of device shows on a machine that has one. */
export interface Hardware {
  /** `TPU`, as messages say it. */
  readonly name: string;
  /** What was looked for. */
  readonly signs: string;
  /** The signs that are there; none on a machine without such a device. */
  readonly find: () => Promise<readonly string[]>;
}

/** A CPU is always there. */
export const HARDWARE: Readonly<Record<Exclude<PluginPlatform, 'cpu'>, Hardware>> = {
  tpu: { name: 'TPU', signs: '/dev/accel*, /dev/vfio/N', find: visibleTpus },
  cuda: {
    name: 'NVIDIA GPU',
    signs: '/dev/nvidia*, /proc/driver/nvidia',
    find: async () => {
      const driver = await nvidiaDriverVersion();
      return [...(await visibleNvidiaGpus()), ...(driver === undefined ? [] : [`driver ${driver}`])];
    },
  },
  rocm: { name: 'AMD GPU', signs: '/dev/kfd', find: visibleAmdGpus },
};

async function matches(pattern: string): Promise<string[]> {
  const found: string[] = [];
  for await (const path of glob(pattern)) found.push(path);
  return found.toSorted();
}
