import { UsageError } from '../base/index.ts';

/** A wrong command line: flags that are missing, that don't go together or that have no such value. It ends with status 2. */
export class FlagError extends UsageError {}

/** What a check says of a flag, or of a setting that one has set, as an error of the command line. */
export function namingFlags<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof UsageError && error.message.startsWith('--'))) throw error;
    const { code, message, expected, received, hint } = error;
    throw new FlagError(code, message, { expected, received, hint });
  }
}
