import { readFile, stat } from 'node:fs/promises';
import { missingCudaLibraries, type InstalledPlugin, type PluginPlatform } from '../assets/index.ts';
import type { SepalError } from '../base/index.ts';
import { PjrtError, PluginLoadError } from '../pjrt/index.ts';
import { HARDWARE, nvidiaDriverVersion } from './accelerators.ts';
import { RuntimeError } from './errors.ts';

/** What libtpu locks, so that one process has the TPU. */
const TPU_LOCK = '/tmp/libtpu_lockfile';

/** A plugin's way of saying what is wrong, and ours. */
interface Explanation {
  readonly pattern: RegExp;
  readonly explain: (
    found: RegExpExecArray,
    plugin: InstalledPlugin,
    cause: SepalError,
  ) => Promise<SepalError> | SepalError;
}

const TPU: readonly Explanation[] = [
  {
    pattern: /already in use by process with pid (\d+)|already in use|multi-process lockfile/,
    explain: async ([, pid], _plugin, cause) => {
      const holder = pid ?? (await lockHolder(TPU_LOCK));
      const who = holder === undefined ? 'another process' : await describeProcess(holder);
      return new RuntimeError('DEVICE_BUSY', `the TPU is held by ${who}`, {
        hint: holder === undefined ? `end it; sudo lsof -w ${TPU_LOCK} shows which it is` : `end it: kill ${holder}`,
        cause,
      });
    },
  },
  {
    pattern: /No jellyfish device found|No TPU|no device found/i,
    explain: (_found, _plugin, cause) => absent('tpu', cause),
  },
];

const GPU: readonly Explanation[] = [
  {
    pattern: /driver version is insufficient|CUDA_ERROR_SYSTEM_DRIVER_MISMATCH|INSUFFICIENT_DRIVER/i,
    explain: async (_found, { version }, cause) => {
      return new RuntimeError('DRIVER_TOO_OLD', 'the NVIDIA driver is too old for the CUDA plugin', {
        expected: `580 or newer, as CUDA 13 needs it (plugin ${version ?? 'of unknown version'})`,
        received: (await nvidiaDriverVersion()) ?? 'a driver that does not tell its version',
        hint: 'update the driver, or use a plugin for an older CUDA (SEPAL_PLUGIN_PATH=cuda=FILE)',
        cause,
      });
    },
  },
  {
    pattern: /out of memory|RESOURCE_EXHAUSTED/i,
    explain: (_found, _plugin, cause) =>
      new RuntimeError('DEVICE_BUSY', `the GPU has too little free memory: ${cause.message}`, {
        hint: 'end what else uses it (nvidia-smi or rocm-smi shows that), or take less: --memory-fraction 0.4, --no-preallocate',
        cause,
      }),
  },
];

const NO_GPU = /No visible GPU devices|no CUDA-capable device|no ROCm-capable device|failed call to (?:cu|hip)Init/i;

const EXPLANATIONS: Readonly<Record<PluginPlatform, readonly Explanation[]>> = {
  cpu: [],
  tpu: TPU,
  cuda: [...GPU, { pattern: NO_GPU, explain: (_found, plugin, cause) => noCudaDevice(plugin, cause) }],
  rocm: [
    ...GPU,
    {
      pattern: /(lib[\w-]+\.so[.\d]*): cannot open shared object file/,
      explain: ([, library], { version }, cause) =>
        new PluginLoadError('LIBRARY_MISSING', `the ROCm plugin needs ${library}, which is not on this machine`, {
          expected: `ROCm 7 (plugin ${version ?? 'of unknown version'})`,
          hint: 'install ROCm 7 (docs/plugins.md), or add the folder that has the library to LD_LIBRARY_PATH',
          cause,
        }),
    },
    { pattern: NO_GPU, explain: (_found, _plugin, cause) => absent('rocm', cause) },
  ],
};

/** What a plugin said when it was loaded or took hold of its devices, as a line that says what is wrong and what to do. */
export async function deviceError(platform: PluginPlatform, plugin: InstalledPlugin, error: unknown): Promise<unknown> {
  if (!(error instanceof PjrtError) && !(error instanceof PluginLoadError)) return error;
  const text = error instanceof PjrtError ? error.fullText : error.message;
  for (const { pattern, explain } of EXPLANATIONS[platform]) {
    const found = pattern.exec(text);
    if (found !== null) return explain(found, plugin, error);
  }
  return error;
}

async function absent(platform: keyof typeof HARDWARE, cause: SepalError): Promise<SepalError> {
  const { name, signs, find } = HARDWARE[platform];
  const found = await find();
  if (found.length === 0) {
    return new RuntimeError('NO_DEVICE', `there is no ${name} on this machine`, {
      expected: signs,
      hint: 'use --device auto to run on what there is; sepal doctor shows that',
      cause,
    });
  }
  return new RuntimeError('NO_DEVICE', `the plugin can't use the ${name} at ${found.join(', ')}: ${cause.message}`, {
    hint: 'is this user allowed to open these files? In a container they must be passed in',
    cause,
  });
}

/** A missing driver, GPU or library: CUDA gives no device in each of these cases. */
async function noCudaDevice({ path }: InstalledPlugin, cause: SepalError): Promise<SepalError> {
  const driver = await nvidiaDriverVersion();
  if (driver === undefined) {
    return new RuntimeError('NO_DRIVER', 'there is no NVIDIA driver on this machine', {
      expected: '/proc/driver/nvidia/version',
      hint: 'install the driver (580 or newer for CUDA 13); in a container, start it with docker run --gpus all',
      cause,
    });
  }
  const missing = await missingCudaLibraries(path);
  if (missing.length === 0) return absent('cuda', cause);
  return new PluginLoadError('LIBRARY_MISSING', `the CUDA plugin needs ${missing.map(({ file }) => file).join(', ')}`, {
    hint: 'sepal doctor prints the command that installs them',
    cause,
  });
}

/** The process that has a POSIX lock on a file, or undefined. */
async function lockHolder(path: string): Promise<string | undefined> {
  const [info, locks] = await Promise.all([
    stat(path).catch(() => undefined),
    readFile('/proc/locks', 'utf8').catch(() => ''),
  ]);
  if (info === undefined) return undefined;
  // `1: POSIX  ADVISORY  WRITE 12470 fe:00:9978841 0 EOF`
  return new RegExp(String.raw`WRITE (\d+) \S+:${info.ino} `).exec(locks)?.[1];
}

async function describeProcess(pid: string): Promise<string> {
  const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
  return name.trim() === '' ? `process ${pid}` : `process ${pid} (${name.trim()})`;
}
