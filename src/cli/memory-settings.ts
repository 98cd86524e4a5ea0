/** glibc's setting that asks the kernel for 2 MB pages behind large allocations. */
const HUGE_PAGES = 'glibc.malloc.hugetlb=1';
/**
 * Settings by which memory that was freed is kept: one heap for all threads, which large allocations come from too and which
 * doesn't shrink.
 */
const KEPT = 'glibc.malloc.arena_max=1:glibc.malloc.mmap_threshold=4294967296:glibc.malloc.trim_threshold=8589934592';

/** What glibc is told for the commands that run programs on a device. */
const SETTINGS: Readonly<Record<string, string>> = {
  train: HUGE_PAGES,
  evaluate: `${HUGE_PAGES}:${KEPT}`,
  predict: `${HUGE_PAGES}:${KEPT}`,
  serve: `${HUGE_PAGES}:${KEPT}`,
  ensemble: `${HUGE_PAGES}:${KEPT}`,
  submit: `${HUGE_PAGES}:${KEPT}`,
};

/** The value of `GLIBC_TUNABLES` for a command with these arguments; undefined where what is set shall stay. */
export function memorySettings(args: readonly string[], given = ''): string | undefined {
  const command = args.find((word) => !word.startsWith('-')) ?? '';
  const settings = Object.hasOwn(SETTINGS, command) ? SETTINGS[command] : undefined;
  if (settings === undefined || given.includes('glibc.malloc.')) return undefined;
  return given === '' ? settings : `${given}:${settings}`;
}

/**
 * Starts this process anew, under the same id, with glibc's settings for memory: they are read when a process starts.
 *
 * XLA's CPU client takes fresh memory for the intermediate results of every run, and the kernel clears it. In pages of 4 KB an
 * EfficientNet step of 16 images makes 260,000 page faults, a fifth of its processor time. A batch of predictions needs little
 * memory, which is kept for the next batch. A training step's would fall to pieces: its peak grew from 2.5 to 5.6 GB. Other systems than Linux with
 * glibc don't read the settings, and a kernel without huge pages ignores that one.
 */
export function restartWithMemorySettings(args: readonly string[]): void {
  const { env, execPath, execArgv, argv, platform } = process;
  const tunables = memorySettings(args, env.GLIBC_TUNABLES);
  // A parent that talks to this process over a channel would lose it.
  if (tunables === undefined || platform !== 'linux' || process.send !== undefined) return;
  try {
    process.execve?.(execPath, [execPath, ...execArgv, ...argv.slice(1)], { ...env, GLIBC_TUNABLES: tunables });
  } catch {
    // It only makes runs faster.
  }
}
