import { formatCount, UsageError, writeFile } from '../../base/index.ts';
import { combineProbabilities } from '../../metrics/index.ts';
import type { Backend } from '../../runtime/index.ts';
import type { Tta } from '../../train/index.ts';
import type { Context } from '../command.ts';
import type { Ensemble } from './ensemble-file.ts';
import { predictMembers, type PredictOptions } from './member.ts';
import { submissionCsv } from './submission.ts';

export interface SubmissionOptions extends Omit<PredictOptions, 'tta'> {
  /** In place of the ensemble's. */
  readonly tta?: Tta;
  /** The CSV file. */
  readonly out: string;
}

/** One run as an ensemble. */
export const ensembleOf = (run: string): Ensemble => ({
  format: 1,
  mean: 'arithmetic',
  tta: 'none',
  temperature: 1,
  members: [{ run, weight: 1 }],
});

/** Predicts a split by an ensemble, writes the predictions as Kaggle takes them, and gives their text. */
export async function makeSubmission(
  backend: Backend,
  ensemble: Ensemble,
  options: SubmissionOptions,
  context: Context,
): Promise<string> {
  const used = ensemble.members.filter(({ weight }) => weight > 0);
  if (used.length === 0) throw new UsageError('WEIGHTS', 'the ensemble gives no member a weight above 0');
  const paths = used.map((member) => member.run);
  const members = await predictMembers(backend, paths, { ...options, tta: options.tta ?? ensemble.tta }, context);
  const [{ ids, classNames }] = members;
  const probabilities = combineProbabilities(
    members.map((member) => member.probabilities),
    used.map(({ weight }) => weight),
    classNames.length,
    ensemble.mean,
  );
  const csv = submissionCsv(ids, probabilities, classNames.length, `${options.data} ${options.split}`);
  await writeFile(options.out, csv);
  context.log.info(`submit  ${formatCount(ids.length)} predictions of ${options.split} in ${options.out}`);
  return csv;
}
