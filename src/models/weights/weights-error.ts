import { SepalError } from '../../base/index.ts';

/** A file of weights that is not there, not whole, not safe to read, or of another model. */
export class WeightsError extends SepalError {}
