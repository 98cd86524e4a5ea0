import { PROGRAM } from './functions.ts';
import type { Addressed } from './struct.ts';

/** StableHLO, as text or MLIR bytecode, as the compiler takes it. */
export function encodeProgram(program: string | Uint8Array, minor: number): Addressed {
  const code = typeof program === 'string' ? new TextEncoder().encode(program) : program;
  return PROGRAM.create(minor).write({ code, code_size: code.length, format: 'mlir' });
}
