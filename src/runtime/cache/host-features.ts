import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { arch, cpus } from 'node:os';

/**
 * What makes machine code for this CPU unfit for another one: architecture, model and instruction sets.
 *
 * A compiled CPU program from another machine may hold instructions that this one has not.
 */
export function hostFeatures(): string {
  return (features ??= [arch(), cpus()[0]?.model ?? 'unknown', instructionSets()].join('|'));
}

/** Cached: they are constant for the process, and part of the key of every program. */
let features: string | undefined;

function instructionSets(): string {
  try {
    const line = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'));
    return createHash('sha256')
      .update(line?.[1] ?? '')
      .digest('hex');
  } catch {
    return ''; // Not Linux: the CPU's model has to do.
  }
}
