import { PjrtError } from '../pjrt/index.ts';

/** By how much a program is too large for a device. */
export interface MemoryShortage {
  readonly neededBytes: number;
  readonly availableBytes: number;
}

/** How compilers and allocators say it; both sizes, or only what was asked for. */
const MESSAGES: readonly RegExp[] = [
  /required for HLO temporaries \((\S+)\) exceeds available HBM \((\S+)\)/,
  /Used (\S+) of (\S+) hbm/i,
  /Out of memory (?:while trying to allocate|allocating) (\S+)(?: bytes)?/i,
];

/** Why an error came, where it is that a program doesn't fit a device's memory; else undefined. */
export function memoryShortage(error: unknown): MemoryShortage | undefined {
  if (!(error instanceof PjrtError) || error.code !== 'RESOURCE_EXHAUSTED') return undefined;
  for (const message of MESSAGES) {
    const [, needed, available] = message.exec(error.fullText) ?? [];
    if (needed !== undefined) return { neededBytes: toBytes(needed), availableBytes: toBytes(available ?? '') };
  }
  return { neededBytes: NaN, availableBytes: NaN };
}

const UNITS: Readonly<Record<string, number>> = { '': 0, K: 1, M: 2, G: 3, T: 4 };

/** `19.92G` → bytes; NaN for what is no size. */
function toBytes(text: string): number {
  const [, digits, unit = ''] = /^([\d.]+)([KMGT]?)(?:i?B)?$/.exec(text.replace(/[.,]$/, '')) ?? [];
  return Number(digits) * 1024 ** UNITS[unit];
}

/**
 * About the largest batch that would fit, as a multiple of `replicas`, or undefined where none would or nothing is known.
 * What a batch takes grows with it; what the arguments take doesn't.
 */
export function batchThatFits(
  { neededBytes, availableBytes }: MemoryShortage,
  { batchSize, replicas, argumentBytes }: { batchSize: number; replicas: number; argumentBytes: number },
): number | undefined {
  const share = (availableBytes - argumentBytes) / neededBytes;
  const perReplica = Math.floor((batchSize / replicas) * share);
  return Number.isFinite(perReplica) && perReplica >= 1 ? perReplica * replicas : undefined;
}
