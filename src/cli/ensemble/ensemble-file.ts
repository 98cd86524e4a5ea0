import { readFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { z } from 'zod';
import { settingProblem, UsageError, writeFile } from '../../base/index.ts';
import { MEANS } from '../../metrics/index.ts';
import { TTA } from '../../train/index.ts';

const schema = z.strictObject({
  format: z.literal(1),
  mean: z.enum(MEANS),
  tta: z.enum(TTA),
  /** Divides the logarithms of the mean's probabilities. */
  temperature: z.number().positive(),
  members: z.array(z.strictObject({ run: z.string(), weight: z.number().min(0) })).min(1),
});

/** Several runs as one predictor; runs are paths, from the file's folder where they are relative. */
export type Ensemble = z.output<typeof schema>;

export async function writeEnsemble(path: string, ensemble: Ensemble): Promise<void> {
  const folder = dirname(resolve(path));
  const members = ensemble.members.map(({ run, weight }) => ({ run: relative(folder, resolve(run)) || '.', weight }));
  await writeFile(path, `${JSON.stringify({ ...ensemble, members }, null, 2)}\n`);
}

/** Reads an ensemble, its runs as paths from here. @throws UsageError `ENSEMBLE_FILE`. */
export async function readEnsemble(path: string): Promise<Ensemble> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new UsageError('ENSEMBLE_FILE', `can't read the ensemble ${path}`, { cause });
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new UsageError('ENSEMBLE_FILE', `${path} is no JSON`, { cause });
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    const { message, details } = settingProblem(schema, value, parsed.error, path);
    throw new UsageError('ENSEMBLE_FILE', message, details);
  }
  const members = parsed.data.members.map(({ run, weight }) => ({
    run: isAbsolute(run) ? run : join(dirname(path), run),
    weight,
  }));
  return { ...parsed.data, members };
}
