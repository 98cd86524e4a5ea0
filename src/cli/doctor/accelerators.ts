import { glob, readFile } from 'node:fs/promises';

/** Device files of TPUs: `/dev/accel*` up to v4, `/dev/vfio/N` from v5e on. */
export async function visibleTpus(): Promise<string[]> {
  return [...(await matches('/dev/accel[0-9]*')), ...(await matches('/dev/vfio/[0-9]*'))];
}

/** Device files of NVIDIA GPUs, one each. */
export async function visibleNvidiaGpus(): Promise<string[]> {
  return matches('/dev/nvidia[0-9]*');
}

/** The version of NVIDIA's kernel driver, such as `580.65.06`, or undefined without one. */
export async function nvidiaDriverVersion(): Promise<string | undefined> {
  const text = await readFile('/proc/driver/nvidia/version', 'utf8').catch(() => '');
  return /Kernel Module.*?\s(\d+\.\d+(?:\.\d+)?)\s/.exec(text)?.[1];
}

async function matches(pattern: string): Promise<string[]> {
  const found: string[] = [];
  for await (const path of glob(pattern)) found.push(path);
  return found.toSorted();
}
