import { readdirSync, readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Backend } from '../../src/runtime/index.ts';

/** What a process holds at a moment. */
export interface Sample {
  /** Since the soak began. */
  readonly seconds: number;
  /** Round of training and evaluation, from 0. */
  readonly round: number;
  /** Epoch of the round's run; undefined after the round, when nothing of it should be left. */
  readonly epoch?: number;
  readonly figures: Readonly<Record<Figure, number>>;
}

/** What is watched, with how it is written and how much it may grow in all. */
export const FIGURES = {
  memory: { title: 'Memory of its own', unit: 'MB', share: 0.03, slack: 24 },
  // They come when a part of the plugin is used again, and go when the system wants room: at most they are all there.
  mapped: { title: 'Pages of files: plugin, Node', unit: 'MB', share: 0, slack: 400 },
  heap: { title: "JavaScript's heap", unit: 'MB', share: 0.03, slack: 4 },
  external: { title: 'Memory of arrays', unit: 'MB', share: 0.03, slack: 4 },
  liveBuffers: { title: 'Live buffers on the devices', unit: 'buffers', share: 0, slack: 0.5 },
  programs: { title: 'Compiled programs', unit: 'programs', share: 0, slack: 0.5 },
  files: { title: 'Open files and sockets', unit: 'files', share: 0, slack: 0.5 },
  threads: { title: 'Threads', unit: 'threads', share: 0, slack: 0.5 },
  resources: { title: 'What keeps Node waiting', unit: 'resources', share: 0, slack: 0.5 },
} as const satisfies Record<string, { title: string; unit: string; share: number; slack: number }>;
export type Figure = keyof typeof FIGURES;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Takes the figures of this process; garbage is collected first, or what is waiting for that would count. */
export function takeFigures(backend: Backend): Record<Figure, number> {
  collect();
  const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage();
  const mapped = mappedBytes();
  return {
    memory: (rss - (Number.isNaN(mapped) ? 0 : mapped)) / 1e6,
    mapped: mapped / 1e6,
    heap: heapUsed / 1e6,
    external: (external + arrayBuffers) / 1e6,
    liveBuffers: backend.client.liveBufferCount,
    programs: backend.client.executables.size,
    files: countIn('/proc/self/fd'),
    threads: countIn('/proc/self/task'),
    resources: process.getActiveResourcesInfo().length,
  };
}

/** Bytes of files that are in the process's memory, where Linux tells. */
function mappedBytes(): number {
  try {
    return 1024 * Number(/^RssFile:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? NaN);
  } catch {
    return NaN;
  }
}

/** Entries of a folder in which Linux lists what a process has; NaN elsewhere. */
function countIn(folder: string): number {
  try {
    return readdirSync(folder).length;
  } catch {
    return NaN;
  }
}
