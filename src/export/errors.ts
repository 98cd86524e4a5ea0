import { SepalError } from '../base/index.ts';

/** A model that can't leave Sepal in the form that was asked for. */
export class ExportError extends SepalError {}
