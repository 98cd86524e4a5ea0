import { inParts } from './program-parts.ts';
import { leanProgram } from './lean-program.ts';

/** How the cache keeps a program: as the plugin serialised it, or so that it loads fast. */
export type CachedForm = 'whole' | 'fast';

/** A program as the plugin serialised it, in the form in which the cache keeps it. */
export function inForm(form: CachedForm, serialized: Uint8Array): Uint8Array {
  return form === 'fast' ? inParts(leanProgram(serialized)) : serialized;
}
