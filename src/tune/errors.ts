import { UsageError } from '../base/index.ts';

/** A range that can't be searched, or a search that can't go on. */
export class TuneError extends UsageError {}
