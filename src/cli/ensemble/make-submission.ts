import { formatCount, plural, writeFile } from '../../base/index.ts';
import { combineProbabilities } from '../../metrics/index.ts';
import type { Backend } from '../../runtime/index.ts';
import type { ensembleOf, Tta } from '../../train/index.ts';
import type { Context } from '../command.ts';
import { decodedRows, predictMembers, type PredictOptions } from './member.ts';
import { requireIds, submissionCsv } from './submission.ts';

export interface SubmissionOptions extends Omit<PredictOptions, 'tta' | 'check'> {
  /** In place of the ensemble's. */
  readonly tta?: Tta;
  /** The CSV file. */
  readonly out: string;
}

/** What was written. */
export interface Submission {
  readonly csv: string;
  readonly predictions: number;
}

/** Predicts a split by an ensemble, and writes the predictions as Kaggle takes them. */
export async function makeSubmission(
  backend: Backend,
  ensemble: Awaited<ReturnType<typeof ensembleOf>>,
  options: SubmissionOptions,
  context: Context,
): Promise<Submission> {
  const { members: used, mean } = ensemble;
  const paths = used.map((member) => member.run);
  const origin = `${options.data} ${options.split}`;
  const tta = options.tta ?? ensemble.tta;
  const check: PredictOptions['check'] = (data) => requireIds(data, origin);
  const members = await predictMembers(backend, paths, { ...options, tta, check }, context);
  const [first] = members;
  const probabilities = combineProbabilities(
    members.map((member) => member.probabilities),
    used.map(({ weight }) => weight),
    first.classNames.length,
    mean,
  );
  // What no member could decode, which only --bad-records skip lets pass.
  const [decoded] = decodedRows([{ ...first, probabilities }]);
  const csv = submissionCsv(decoded, decoded.probabilities, origin);
  await writeFile(options.out, csv);
  const predictions = decoded.ids.length;
  const missing = first.ids.length - predictions;
  if (missing > 0)
    context.log.warn(
      `${options.out} lacks ${plural(missing, 'picture')} that could not be decoded: Kaggle wants every id`,
    );
  context.log.info(`${formatCount(predictions)} predictions of ${options.split} in ${options.out}`);
  return { csv, predictions };
}
