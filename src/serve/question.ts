import { z } from 'zod';
import { settingProblem } from '../base/index.ts';
import { ServeError } from './serve-error.ts';

const MOST_CLASSES = 1000;

/** `?explain` alone means that it is wanted. */
const flag = z
  .preprocess((text) => (text === '' ? 'true' : text), z.enum(['true', 'false', '1', '0']).default('false'))
  .transform((text) => text === 'true' || text === '1');

/** Parameters of `POST /api/predict`. */
const questionSchema = z.strictObject({
  top: z.coerce.number().int().min(1).max(MOST_CLASSES).default(5),
  explain: flag,
});

/** What a request asks about its images. */
export interface Question {
  /** How many classes to tell. */
  readonly top: number;
  /** Whether Grad-CAM maps and the image as the model saw it are wanted. */
  readonly explain: boolean;
}

/** Reads a query string. @throws ServeError `BAD_REQUEST`. */
export function parseQuestion(query: Readonly<Record<string, string>>): Question {
  const parsed = questionSchema.safeParse(query);
  if (parsed.success) return parsed.data;
  const { message, details } = settingProblem(questionSchema, query, parsed.error, 'the query');
  throw new ServeError('BAD_REQUEST', message.slice(0, 200), details);
}
