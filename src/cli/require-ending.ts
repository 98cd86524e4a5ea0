import { extname } from 'node:path';
import { FlagError } from './flag-error.ts';

/** Refuses a file of another kind than the one that is written: no program would open it. @throws FlagError `OUT`. */
export function requireEnding(file: string, ending: string, flag = '--out'): void {
  if (extname(file).toLowerCase() === ending) return;
  throw new FlagError('OUT', `${flag} ${file} has another ending than the file that is written`, {
    expected: `a name with ${ending} at its end`,
  });
}
