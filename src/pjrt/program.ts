import { PjrtError } from './error.ts';
import { PROGRAM } from './functions.ts';
import type { Addressed } from './struct.ts';

/** StableHLO, as text or MLIR bytecode, as the compiler takes it. */
export function encodeProgram(program: string | Uint8Array, minor: number): Addressed {
  // A null pointer, which is what no bytes become, ends the process in some plugins.
  if (program.length === 0) throw new PjrtError('INVALID_ARGUMENT', 'the program is empty');
  const code = typeof program === 'string' ? new TextEncoder().encode(program) : program;
  return PROGRAM.create(minor).write({ code, code_size: code.length, format: 'mlir' });
}
