import { basename } from 'node:path';
import { startProgress, treeLeaves, UsageError } from '../../base/index.ts';
import type { Dataset, Split } from '../../data/index.ts';
import { combineProbabilities, decodedByAll, pickRows } from '../../metrics/index.ts';
import { isDeviceArray, type Backend } from '../../runtime/index.ts';
import {
  compilePredictor,
  evenBatch,
  loadTrainedModel,
  runsOf,
  type Predictor,
  type TrainedModel,
  type Tta,
} from '../../train/index.ts';
import type { Context } from '../command.ts';
import { featureNames, type FeatureFlags } from '../feature-flags.ts';
import { openSplit } from '../open-split.ts';
import { warnOfSeen } from '../warn-of-seen.ts';

/** What a member of an ensemble says of a split. */
export interface MemberPredictions {
  readonly path: string;
  readonly classNames: readonly string[];
  readonly ids: readonly string[];
  /** Whether the ids are the pictures' own. */
  readonly hasIds: boolean;
  /** -1 where unknown. */
  readonly labels: Int32Array;
  /** [examples, classes]. */
  readonly probabilities: Float32Array;
}

export interface PredictOptions extends FeatureFlags {
  readonly data: string;
  readonly split: Split;
  readonly tta: Tta;
  readonly batchSize?: number;
  readonly badRecords: 'fail' | 'skip';
  /** Told of the split before it is predicted; what it throws ends that. */
  readonly check?: (data: Pick<Dataset, 'ids' | 'hasIds'>) => void;
}

/** Predicts a split by each member, at the size that it was trained at, with the rows in the order of the first one. */
export async function predictMembers(
  backend: Backend,
  paths: readonly string[],
  options: PredictOptions,
  context: Context,
): Promise<MemberPredictions[]> {
  const members: MemberPredictions[] = [];
  for (const path of paths) {
    const parts: MemberPredictions[] = [];
    const runs = runsOf(path);
    for (const run of runs) {
      await using predictor = await RunPredictor.open(backend, run, options, context);
      // Once for all folds of a cross-validation.
      if (run === runs[0]) warnOfSeen(path, predictor.info, options.split, context.log);
      parts.push(alignTo(parts[0] ?? members[0], await predictor.predict()));
    }
    const equal = parts.map(() => 1);
    const rows = parts.map(({ probabilities }) => probabilities);
    members.push({ ...parts[0], path, probabilities: combineProbabilities(rows, equal, parts[0].classNames.length) });
  }
  return members;
}

/** A run's network, compiled, with the split that it predicts. */
export class RunPredictor implements AsyncDisposable {
  readonly #trained: TrainedModel;
  readonly #data: Dataset;
  readonly #predictor: Predictor & { dispose(): void };
  readonly #label: string;
  readonly #context: Context;

  private constructor(
    trained: TrainedModel,
    data: Dataset,
    predictor: Predictor & { dispose(): void },
    label: string,
    context: Context,
  ) {
    this.#trained = trained;
    this.#data = data;
    this.#predictor = predictor;
    this.#label = label;
    this.#context = context;
  }

  static async open(backend: Backend, run: string, options: PredictOptions, context: Context): Promise<RunPredictor> {
    const trained = await loadTrainedModel(backend, run);
    const { model, info } = trained;
    const { split, badRecords, tta } = options;
    const data = await openSplit(
      options.data,
      {
        split,
        size: info.size,
        badRecords,
        classNames: options.classNames ?? info.classNames,
        features: featureNames(options),
        labelsRequired: false,
      },
      context,
    );
    options.check?.(data);
    const batchSize = evenBatch(options.batchSize ?? info.recipe.batchSize, backend.replicas);
    const predictor = await compilePredictor(backend, model, batchSize, { tta });
    return new RunPredictor(trained, data, predictor, `${basename(run)} on ${split}`, context);
  }

  /** Of the run's checkpoint. */
  get info(): TrainedModel['info'] {
    return this.#trained.info;
  }

  /** Says what the run sees in the split, or what its network sees with other weights. */
  async predict(
    weights: TrainedModel['weights'] = this.#trained.weights,
    label = this.#label,
  ): Promise<MemberPredictions> {
    const { path, info } = this.#trained;
    const { ids, hasIds, labels, count } = this.#data;
    const bar = startProgress({ label, total: count, unit: 'images/s' });
    const probabilities = await this.#predictor(weights, this.#data, {
      signal: this.#context.signal,
      onProgress: (done) => bar.update(done),
    }).finally(() => bar.stop());
    return { path, classNames: info.classNames, ids: [...ids], hasIds, labels, probabilities };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const array of treeLeaves(this.#trained.weights, isDeviceArray)) array.dispose();
    this.#predictor.dispose();
    await this.#data.close();
  }
}

/** A member's rows in the order of another's: data sets of several sizes may hold the same pictures in another order. */
export function alignTo(first: MemberPredictions | undefined, member: MemberPredictions): MemberPredictions {
  if (first === undefined) return member;
  const classes = first.classNames.length;
  const differs = first.classNames.findIndex((name, i) => name !== member.classNames[i]);
  if (differs !== -1 || member.classNames.length !== classes) {
    throw new UsageError('CLASSES', `${member.path} was trained on other classes than ${first.path}`, {
      expected: `${classes} classes`,
      received: `${member.classNames.length} classes${differs < 0 ? '' : `, class ${differs} being "${member.classNames[differs]}"`}`,
    });
  }
  if (first.ids.length === member.ids.length && first.ids.every((id, i) => id === member.ids[i])) {
    requireSameLabels(first, member);
    return member;
  }
  const rowOf = new Map(member.ids.map((id, row) => [id, row]));
  const missing = first.ids.find((id) => !rowOf.has(id));
  if (missing !== undefined || rowOf.size !== member.ids.length || member.ids.length !== first.ids.length) {
    throw new UsageError('MEMBERS', `${member.path} and ${first.path} see different pictures at their sizes`, {
      expected: `${first.ids.length} pictures`,
      received: `${member.ids.length}${missing === undefined ? '' : `, without "${missing}"`}`,
      hint: first.hasIds ? undefined : 'name the feature that holds the pictures’ ids with --id-feature',
    });
  }
  const aligned = rowsOf(
    member,
    first.ids.map((id) => rowOf.get(id)!),
  );
  requireSameLabels(first, aligned);
  return aligned;
}

/** Some of a member's rows, in that order. */
function rowsOf(member: MemberPredictions, rows: readonly number[]): MemberPredictions {
  return {
    ...member,
    ids: rows.map((row) => member.ids[row]),
    labels: Int32Array.from(rows, (row) => member.labels[row]),
    probabilities: pickRows(member.probabilities, rows, member.classNames.length),
  };
}

/** What is one picture by its id must be of one class. */
function requireSameLabels(first: MemberPredictions, { path, ids, labels }: MemberPredictions): void {
  const at = ids.findIndex((_, n) => labels[n] >= 0 && first.labels[n] >= 0 && labels[n] !== first.labels[n]);
  if (at === -1) return;
  throw new UsageError('MEMBERS', `${path} and ${first.path} see different pictures under the id "${ids[at]}"`, {
    expected: `class ${first.labels[at]}`,
    received: `class ${labels[at]}`,
  });
}

/** Without the pictures that one of the members could not decode, of which nothing can be scored. */
export function decodedRows(members: readonly MemberPredictions[]): readonly MemberPredictions[] {
  const [{ classNames, ids }] = members;
  const all = members.map(({ probabilities }) => probabilities);
  const rows = decodedByAll(all, classNames.length);
  return rows.length === ids.length ? members : members.map((member) => rowsOf(member, rows));
}

/** Labels of a split that must have them. @throws UsageError `NO_LABELS`. */
export function requireLabels({ labels }: Pick<Dataset, 'labels'>, split: string): void {
  if (labels.every((label) => label >= 0)) return;
  throw new UsageError('NO_LABELS', `the split ${split} has images without labels`, {
    hint: 'weights are searched and scores taken on a labelled split, such as --split val',
  });
}
