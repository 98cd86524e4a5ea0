import { leanProgram } from './lean-program.ts';
import { inParts } from './program-parts.ts';

/** How the cache keeps a program: as the plugin serialised it, or so that it loads fast. */
export type CachedForm = 'whole' | 'fast';

/** A program as the plugin serialised it, in the form in which the cache keeps it; as it is where its bytes have another form. */
export function inForm(form: CachedForm, serialized: Uint8Array): Uint8Array {
  return form === 'fast' ? edited(edited(serialized, leanProgram), inParts) : serialized;
}

function edited(program: Uint8Array, edit: (program: Uint8Array) => Uint8Array): Uint8Array {
  try {
    return edit(program);
  } catch {
    return program; // Not a protobuf, or none of this kind.
  }
}
