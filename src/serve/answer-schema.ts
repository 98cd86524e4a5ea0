import { z } from 'zod';
import { PROBLEMS, type ProblemCode } from './serve-error.ts';

const probability = z.number().min(0).max(1);

export const problemSchema = z.object({
  code: z.enum(Object.keys(PROBLEMS) as [ProblemCode, ...ProblemCode[]]).describe('what is wrong; never changes'),
  message: z.string().describe('the same for people'),
  expected: z.string().optional(),
  received: z.string().optional(),
  hint: z.string().optional(),
});

export const explanationSchema = z
  .object({
    class: z.string(),
    height: z.int(),
    width: z.int(),
    values: z.array(z.number().min(0).max(1)).describe('rows from the top; 1 where the network looked most'),
  })
  .describe('Grad-CAM: what in the image speaks for a class');

export const classifiedSchema = z.object({
  name: z.string().describe('file name or URL as it was given'),
  sure: z.boolean().describe('whether the greatest probability reaches the threshold'),
  classes: z.array(z.object({ name: z.string(), probability })).describe('likeliest first, as many as `top` says'),
  picture: z.string().optional().describe('the image as the model saw it, a data: URL; with `explain`'),
  explanations: z.array(explanationSchema).optional().describe('of the three likeliest classes; with `explain`'),
  original: z.object({ height: z.int(), width: z.int() }).describe('pixels of the image as it came'),
  milliseconds: z
    .object({
      fetch: z.number().optional(),
      decode: z.number(),
      queue: z.number(),
      model: z.number(),
      total: z.number(),
    })
    .describe('time of each stage'),
});

export const refusedSchema = z
  .object({ name: z.string(), error: problemSchema })
  .describe('an image that could not be classified, among others that could');

export const answerSchema = z.object({
  images: z.array(z.union([classifiedSchema, refusedSchema])).describe('in the order in which they were sent'),
});

export const errorSchema = z.object({ error: problemSchema });

export const modelSchema = z.object({
  version: z.string().describe("Sepal's version"),
  runs: z.array(
    z.object({
      name: z.string(),
      architecture: z.string(),
      parameters: z.int(),
      size: z.object({ height: z.int(), width: z.int() }),
    }),
  ),
  classes: z.array(z.string()),
  threshold: probability.describe('below it, the answer is "not sure"'),
  formats: z.array(z.string()),
  device: z.string(),
  limits: z.object({ imageBytes: z.int(), pixels: z.int(), images: z.int() }),
});

export const healthSchema = z.object({ status: z.enum(['ok', 'stopping']) });

/** Body of an answer of `POST /api/predict`. */
export type AnswerBody = z.output<typeof answerSchema>;
/** What is said of one image. */
export type ClassifiedBody = z.output<typeof classifiedSchema>;
/** Body of `GET /api/model`. */
export type ModelBody = z.output<typeof modelSchema>;
export type ProblemBody = z.output<typeof problemSchema>;
