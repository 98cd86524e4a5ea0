import { readdirSync } from 'node:fs';

/** Commands that run programs on a device again and again. */
const COMMANDS: ReadonlySet<string> = new Set([
  'train',
  'tune',
  'profile',
  'evaluate',
  'predict',
  'serve',
  'ensemble',
  'submit',
]);

/**
 * What glibc is told: one heap for all threads, as what one of them frees another asks for next, and no crumbs set aside for each
 * thread. That memory stays is chosen when a program is ready (`pjrt/heap.ts`).
 */
const SETTINGS = 'glibc.malloc.arena_max=1:glibc.malloc.tcache_count=0';

/**
 * The value of `GLIBC_TUNABLES` for a command with these arguments; undefined where what is set shall stay.
 *
 * Programs of an accelerator have their memory there, and its compilers' many threads would wait for the one heap.
 */
export function memorySettings(args: readonly string[], given = '', mayUseAccelerator = false): string | undefined {
  const command = args.find((word) => !word.startsWith('-')) ?? '';
  if (!COMMANDS.has(command) || given.includes('glibc.malloc.')) return undefined;
  const device = deviceOf(args);
  if (device === 'auto' ? mayUseAccelerator : device !== 'cpu') return undefined;
  return given === '' ? SETTINGS : `${given}:${SETTINGS}`;
}

function deviceOf(args: readonly string[]): string {
  const joined = args.find((word) => word.startsWith('--device='));
  return joined?.slice('--device='.length) ?? args[args.indexOf('--device') + 1 || args.length] ?? 'auto';
}

/** Whether `--device auto` may find something: device files of TPUs and GPUs. */
function mayHaveAccelerator(): boolean {
  return hasEntry('/dev', /^(?:accel\d+|nvidia\d+|kfd)$/) || hasEntry('/dev/vfio', /^\d+$/);
}

function hasEntry(folder: string, name: RegExp): boolean {
  try {
    return readdirSync(folder).some((entry) => name.test(entry));
  } catch {
    return false;
  }
}

/**
 * Starts this process anew, under the same id, with glibc's settings for memory: they are read when a process starts.
 *
 * XLA's CPU client takes fresh memory for the intermediate results of every run, and the kernel clears it. In pages of 4 KB an
 * EfficientNet step of 16 images makes 260,000 page faults, a fifth of its processor time; of memory that stayed, none. Other
 * systems than Linux with glibc don't read the settings.
 */
export function restartWithMemorySettings(args: readonly string[]): void {
  const { env, execPath, execArgv, argv, platform } = process;
  const tunables = memorySettings(args, env.GLIBC_TUNABLES, mayHaveAccelerator());
  // A parent that talks to this process over a channel would lose it.
  if (tunables === undefined || platform !== 'linux' || process.send !== undefined) return;
  try {
    process.execve?.(execPath, [execPath, ...execArgv, ...argv.slice(1)], { ...env, GLIBC_TUNABLES: tunables });
  } catch {
    // It only makes runs faster.
  }
}
