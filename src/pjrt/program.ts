import { PjrtError } from './error.ts';
import { PROGRAM } from './functions.ts';
import type { Addressed } from './struct.ts';

/** A program in a format that the plugin knows by name: `mlir`, or `hlo`, which is XLA's own as a protobuf. */
export interface FormattedProgram {
  readonly format: string;
  readonly code: Uint8Array;
}

/** StableHLO, as text or MLIR bytecode, or a program in another format, as the compiler takes it. */
export function encodeProgram(program: string | Uint8Array | FormattedProgram, minor: number): Addressed {
  const { format, code } =
    typeof program === 'string'
      ? { format: 'mlir', code: new TextEncoder().encode(program) }
      : program instanceof Uint8Array
        ? { format: 'mlir', code: program }
        : program;
  // A null pointer, which is what no bytes become, ends the process in some plugins.
  if (code.length === 0) throw new PjrtError('INVALID_ARGUMENT', 'the program is empty');
  return PROGRAM.create(minor).write({ code, code_size: code.length, format });
}
