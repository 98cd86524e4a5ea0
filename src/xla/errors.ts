import { SepalError, type ErrorDetails } from '../base/index.ts';

/** A program that makes no sense: shapes or dtypes that don't fit, an axis that is not there. */
export class ShapeError extends SepalError {
  constructor(message: string, details: ErrorDetails = {}) {
    super('SHAPE', message, details);
  }
}
