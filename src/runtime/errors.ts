import { SepalError } from '../base/index.ts';

/** A device that is not there, or arrays that don't fit the program they are given to. */
export class RuntimeError extends SepalError {}
