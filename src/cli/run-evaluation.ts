import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { isSystemError, UsageError, writeFile } from '../base/index.ts';

const FILE = 'evaluation.json';

const evaluationSchema = z.object({
  format: z.literal(1),
  split: z.string(),
  loss: z.number(),
  classNames: z.array(z.string()),
  /** Row-major `[label][predicted]`. */
  confusion: z.array(z.int().min(0)),
  /** Steps that the weights were trained for: it says nothing of other weights. Files of older versions have none. */
  step: z.int().optional(),
});

/** What a run's best weights reach on the validation split. */
export type RunEvaluation = Omit<z.output<typeof evaluationSchema>, 'format' | 'step'>;

/** Keeps it in the run folder, for whoever compares runs; `step` is that of the weights. */
export async function writeEvaluation(folder: string, step: number, evaluation: RunEvaluation): Promise<void> {
  await writeFile(join(folder, FILE), `${JSON.stringify({ format: 1, ...evaluation, step })}\n`);
}

/**
 * What is known of a run's best weights, which are those after `step`; undefined where nothing is, or only of weights that it had
 * before, as of a run that goes on.
 *
 * @throws UsageError where the file is something else.
 */
export async function readEvaluation(folder: string, step: number): Promise<RunEvaluation | undefined> {
  const path = join(folder, FILE);
  try {
    const { step: of = step, ...evaluation } = evaluationSchema.parse(JSON.parse(await readFile(path, 'utf8')));
    return of === step ? evaluation : undefined;
  } catch (cause) {
    if (isSystemError(cause, 'ENOENT')) return undefined;
    throw new UsageError('EVALUATION', `${path} is not what sepal train wrote`, { cause });
  }
}
