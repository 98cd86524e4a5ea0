export { DEFAULT_LIMITS, type Limits } from './limits.ts';
export type { Resolver } from './fetch-image.ts';
export { Ensemble, likeliest, type Answer, type Explanation, type Query } from './ensemble.ts';
export { PROBLEMS, ServeError, type ProblemCode } from './serve-error.ts';
export {
  DEFAULT_BATCH_SIZES,
  DEFAULT_LATENCY_BUDGET,
  DEFAULT_PORT,
  DEFAULT_THRESHOLD,
  startServer,
  type RunningServer,
  type ServeOptions,
} from './server.ts';
export type { AnswerBody, ClassifiedBody, ModelBody } from './answer-schema.ts';
