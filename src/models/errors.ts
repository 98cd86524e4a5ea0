import { UsageError } from '../base/index.ts';

/** A model that there is not, or options that it doesn't have. */
export class ModelError extends UsageError {}
