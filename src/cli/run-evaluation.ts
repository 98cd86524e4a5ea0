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
});

/** What a run's best weights reach on the validation split. */
export type RunEvaluation = Omit<z.output<typeof evaluationSchema>, 'format'>;

/** Keeps it in the run folder, for whoever compares runs. */
export async function writeEvaluation(folder: string, evaluation: RunEvaluation): Promise<void> {
  await writeFile(join(folder, FILE), `${JSON.stringify({ format: 1, ...evaluation })}\n`);
}

/** Undefined for a run that has none, such as one that goes on. @throws UsageError where the file is something else. */
export async function readEvaluation(folder: string): Promise<RunEvaluation | undefined> {
  const path = join(folder, FILE);
  try {
    return evaluationSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (cause) {
    if (isSystemError(cause, 'ENOENT')) return undefined;
    throw new UsageError('EVALUATION', `${path} is not what sepal train wrote`, { cause });
  }
}
