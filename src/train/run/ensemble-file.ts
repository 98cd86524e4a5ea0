import { existsSync, readdirSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { z } from 'zod';
import { settingProblem, UsageError, writeFile } from '../../base/index.ts';
import { MEANS } from '../../metrics/index.ts';
import { TTA } from '../tta.ts';

const schema = z.strictObject({
  format: z.literal(1),
  mean: z.enum(MEANS),
  tta: z.enum(TTA),
  /** Divides the logarithms of the mean's probabilities. */
  temperature: z.number().positive(),
  members: z.array(z.strictObject({ run: z.string(), weight: z.number().min(0) })).min(1),
});

/** Several runs as one predictor; runs are paths, from the file's folder where they are relative. */
export type EnsembleFile = z.output<typeof schema>;

/** Writes an ensemble, its runs as paths from the file’s folder. */
export async function writeEnsemble(path: string, ensemble: EnsembleFile): Promise<void> {
  const folder = dirname(resolve(path));
  const members = ensemble.members.map(({ run, weight }) => ({ run: relative(folder, resolve(run)) || '.', weight }));
  await writeFile(path, `${JSON.stringify({ ...ensemble, members }, null, 2)}\n`);
}

/** Reads an ensemble, its runs as paths from here. @throws UsageError `ENSEMBLE_FILE`. */
export async function readEnsemble(path: string): Promise<EnsembleFile> {
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

/** The runs that a path stands for: one run or checkpoint, or all folds of a cross-validation. */
export function runsOf(path: string): string[] {
  if (!existsSync(path) || !statSync(path).isDirectory()) return [path];
  const folds = readdirSync(path).filter((name) => /^fold-\d+$/.test(name));
  return folds.length === 0 ? [path] : folds.toSorted().map((name) => join(path, name));
}

/**
 * Paths of a command line as an ensemble without members of weight 0: a file that `writeEnsemble` wrote, or runs that all weigh
 * the same.
 *
 * @throws UsageError `ENSEMBLE_FILE`, `WEIGHTS` where nobody has a weight.
 */
export async function ensembleOf(paths: readonly string[]): Promise<EnsembleFile> {
  const file = paths.find((path) => path.endsWith('.json'));
  if (file !== undefined && paths.length > 1) {
    throw new UsageError('ENSEMBLE_FILE', `the ensemble ${file} stands by itself`, {
      expected: 'one ensemble, or runs',
      received: `${paths.length} paths`,
    });
  }
  const ensemble: EnsembleFile =
    file === undefined
      ? {
          format: 1,
          mean: 'arithmetic',
          tta: 'none',
          temperature: 1,
          members: paths.map((run) => ({ run, weight: 1 })),
        }
      : await readEnsemble(file);
  if (paths.length === 0)
    throw new UsageError('NO_RUNS', 'no runs were given', { expected: 'a run folder, or an ensemble' });
  const members = ensemble.members.filter(({ weight }) => weight > 0);
  if (members.length === 0) throw new UsageError('WEIGHTS', `${file} gives no member a weight above 0`);
  return { ...ensemble, members };
}
