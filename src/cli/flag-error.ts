import { UsageError } from '../base/index.ts';

/** A wrong command line: flags that are missing, that don't go together or that have no such value. It ends with status 2. */
export class FlagError extends UsageError {}
