import { SepalError, UsageError } from '../base/index.ts';

/** A recipe or a run folder that can't be used. */
export class RecipeError extends UsageError {}

/** A training run that can't go on. */
export class TrainingError extends SepalError {}

/** A checkpoint that is not there, not whole, or of another model. */
export class CheckpointError extends SepalError {}
