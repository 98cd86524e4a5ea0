import { ServeError } from './serve-error.ts';

/** One image of a request: its bytes, where to fetch them, or why there are none. */
export interface Upload {
  /** What the client calls it; empty where it doesn't say. */
  readonly name: string;
  readonly source: Buffer | { readonly url: string } | ServeError;
}

export const tooManyImages = (limit: number): ServeError =>
  new ServeError('TOO_MANY_IMAGES', 'too many images at once', { expected: `at most ${limit}` });
