import { UsageError } from '../../base/index.ts';
import type { Classifier } from '../../models/index.ts';
import { applyNetwork, inGroups, sparseCategoricalCrossEntropy } from '../../nn/index.ts';
import {
  add,
  allReduce,
  argmax,
  convert,
  div,
  dotGeneral,
  expandDims,
  foldIn,
  gradient,
  minimum,
  mul,
  oneHot,
  replicaId,
  scalar,
  softmax,
  sub,
  sum,
  where,
  type Tensor,
  type TensorType,
} from '../../xla/index.ts';
import { requirePairs } from '../augment/index.ts';
import type { BatchTensors } from './batch-tensors.ts';
import type { Freezing } from '../recipe/freeze.ts';
import { inParts, rowsPerPart, type ComputePart } from './gradient-parts.ts';
import { clipByGlobalNorm, type Optimizer } from './optimizer.ts';
import type { Recipe } from '../recipe/recipe.ts';
import { forwardPart, type ForwardSettings } from './step-part.ts';
import { checkStep, type StepCheck } from './step-check.ts';
import { mergeWeights, type MetricSums, type TrainState, type Weights } from './train-state.ts';

export type { BatchTensors };

/** What changes from step to step without being trained. */
export interface StepInputs {
  /** float32 scalar. */
  readonly learningRate: Tensor;
  /** Random key of the run; uint32 [2]. */
  readonly key: Tensor;
}

/** Rows of a batch that each replica gets. @throws UsageError `BATCH_SIZE` where they would not get the same number. */
export function rowsPerReplica(batchSize: number, replicas: number): number {
  if (batchSize % replicas === 0) return batchSize / replicas;
  const near = Math.max(1, Math.round(batchSize / replicas)) * replicas;
  throw new UsageError('BATCH_SIZE', `a batch of ${batchSize} doesn't divide over ${replicas} replicas`, {
    hint: `choose a batch size that is a multiple of ${replicas}, such as ${near}`,
  });
}

/**
 * Refuses a batch that a step could not divide over replicas, their parts and pairs of images; a step on features mixes no
 * images.
 *
 * @throws UsageError `BATCH_SIZE` or `ACCUMULATE`.
 */
export function checkBatch(
  { batchSize, accumulate, augment = {} }: Pick<Recipe, 'batchSize' | 'accumulate'> & { readonly augment?: Partial<Recipe['augment']> }, // prettier-ignore
  replicas: number,
): void {
  requirePairs(rowsPerPart(rowsPerReplica(batchSize, replicas), accumulate), augment);
}

/** The least batch of at least this size that all replicas get the same rows of. What is added is padding, which predictions mask. */
export const evenBatch = (batchSize: number, replicas: number): number => Math.ceil(batchSize / replicas) * replicas;

/** Types of one replica's part of a batch. */
export function batchTypes(
  { input }: Pick<Classifier, 'input'>,
  perReplica: number,
): Record<keyof BatchTensors, TensorType> {
  return {
    images: { shape: [perReplica, ...input.shape], dtype: input.dtype },
    labels: { shape: [perReplica], dtype: 'int32' },
    mask: { shape: [perReplica], dtype: 'uint8' },
  };
}

export const stepInputTypes: Record<keyof StepInputs, TensorType> = {
  learningRate: { shape: [], dtype: 'float32' },
  key: { shape: [2], dtype: 'uint32' },
};

/** What a training step is made of. */
export interface StepSettings extends ForwardSettings {
  readonly recipe: ForwardSettings['recipe'] & Pick<Recipe, 'clipNorm' | 'ema'>;
  readonly optimizer: Optimizer;
  readonly freezing: Freezing;
  /** Factors on the learning rate by variable, where they are not 1. */
  readonly rateFactors: ReadonlyMap<string, number>;
}

/** What a step gives. */
export interface StepResult {
  readonly state: TrainState;
  readonly check: StepCheck;
}

/**
 * One step of training as every replica runs it: its part of the batch forward and back, gradients summed over the
 * replicas, and the same update everywhere. `fixed` are the values of what is frozen.
 *
 * Where a number of the step is not finite, the state stays as it was, but for the count of steps: nothing is lost by
 * looking at the check after the step.
 */
export function trainStep(settings: StepSettings) {
  const { classifier, recipe, optimizer, rateFactors, replicas } = settings;
  return (state: TrainState, batch: BatchTensors, inputs: StepInputs, fixed: Weights): StepResult => {
    const key = foldIn(inputs.key, state.step);
    const ownFirst = mul(replicaId(), batch.labels.shape[0]);
    const mask = convert(batch.mask, 'float32');
    const [examples] = allReduce([sum(mask)]);
    const paths = Object.keys(state.params);
    const params = paths.map((path) => state.params[path]);

    const compute: ComputePart = (rows, offset, moving) => {
      const firstExample = add(ownFirst, convert(offset, 'uint32'));
      const weights = mergeWeights({ params: state.params, statistics: moving }, fixed);
      const { loss, losses, logits, updates } = forwardPart(settings, { rows, weights, key, firstExample, examples });
      return { gradients: gradient(loss, params), statistics: { ...moving, ...updates }, losses, logits };
    };
    const whole =
      recipe.accumulate === 1
        ? compute(batch, scalar(0, 'uint32'), state.statistics)
        : inParts(
            recipe.accumulate,
            batch,
            { params, statistics: state.statistics, classes: classifier.classes },
            compute,
          );
    const { losses, logits } = whole;
    const summed = allReduce(whole.gradients);
    const gradients = recipe.clipNorm === undefined ? summed : clipByGlobalNorm(summed, recipe.clipNorm);

    const statistics = averageOverReplicas(whole.statistics, recipe.syncBatchNorm ? 1 : replicas);
    const sums = batchSums({ losses, logits, labels: batch.labels, mask });
    const changing = Object.keys(statistics).filter((path) => whole.statistics[path] !== state.statistics[path]);
    const { finite, ...check } = checkStep({
      gradients: summed,
      statistics: changing.map((path) => statistics[path]),
      loss: sums.loss,
      examples: sums.count,
    });
    const keep = (next: Tensor, before: Tensor) => where(finite, next, before);

    const update = add(state.updates, 1);
    const roles = new Map(classifier.variables.map(({ path, role }) => [path, role]));
    const updated = inGroups(params, (i) => {
      const path = paths[i];
      const { value, slots } = optimizer.update({
        value: params[i],
        gradient: gradients[i],
        slots: Object.fromEntries(optimizer.slots.map((slot) => [slot, state.slots[slot][path]])),
        learningRate: scaled(inputs.learningRate, rateFactors.get(path)),
        step: convert(update, 'float32'),
        role: roles.get(path) ?? 'kernel',
        keep,
      });
      return [keep(value, params[i]), ...optimizer.slots.map((slot) => slots[slot])];
    });
    const next: Weights = {
      params: Object.fromEntries(paths.map((path, i) => [path, updated[i][0]])),
      statistics: keepAll(statistics, state.statistics, keep),
    };
    const { loss, count, confusion } = state.metrics;
    return {
      state: {
        ...next,
        slots: Object.fromEntries(
          optimizer.slots.map((slot, k) => [
            slot,
            Object.fromEntries(paths.map((path, i) => [path, updated[i][k + 1]])),
          ]),
        ),
        ema: recipe.ema === undefined ? state.ema : movingAverage(state.ema, next, { decay: recipe.ema, update, keep }),
        metrics: {
          loss: keep(add(loss, sums.loss), loss),
          count: keep(add(count, sums.count), count),
          confusion: keep(add(confusion, sums.confusion), confusion),
        },
        step: add(state.step, 1),
        updates: keep(update, state.updates),
      },
      check,
    };
  };
}

/** Statistics that each replica took of its own examples, as one for all; with synchronised ones there is nothing to do. */
function averageOverReplicas(statistics: Readonly<Record<string, Tensor>>, replicas: number): Record<string, Tensor> {
  if (replicas === 1) return { ...statistics };
  const sums = allReduce(Object.values(statistics));
  return Object.fromEntries(Object.keys(statistics).map((path, i) => [path, div(sums[i], replicas)]));
}

const scaled = (rate: Tensor, factor: number | undefined): Tensor => (factor === undefined ? rate : mul(rate, factor));

type Keep = (next: Tensor, before: Tensor) => Tensor;

const keepAll = (
  next: Readonly<Record<string, Tensor>>,
  before: Readonly<Record<string, Tensor>>,
  keep: Keep,
): Record<string, Tensor> => {
  const paths = Object.keys(next);
  const kept = inGroups(
    paths.map((path) => next[path]),
    (i) => [keep(next[paths[i]], before[paths[i]])],
  );
  return Object.fromEntries(paths.map((path, i) => [path, kept[i][0]]));
};

/** Each average takes a share of the new value; in the first steps a larger one, so that the first values are soon forgotten. */
function movingAverage(
  old: Weights,
  now: Weights,
  { decay, update, keep }: { readonly decay: number; readonly update: Tensor; readonly keep: Keep },
): Weights {
  const done = convert(update, 'float32');
  const kept = minimum(div(add(done, 1), add(done, 10)), decay);
  const mix = (after: Tensor, before: Tensor) => keep(add(after, mul(sub(before, after), kept)), before);
  return {
    params: keepAll(now.params, old.params, mix),
    statistics: keepAll(now.statistics, old.statistics, mix),
  };
}

interface Outcome {
  /** Loss of each example, 0 for padding. */
  readonly losses: Tensor;
  readonly logits: Tensor;
  readonly labels: Tensor;
  readonly mask: Tensor;
}

/** Losses and confusion counts of a batch, over all replicas. */
function batchSums({ losses, logits, labels, mask }: Outcome): MetricSums {
  const classes = logits.shape[1];
  const truth = mul(oneHot(labels, classes, 'float32'), expandDims(mask, 1));
  const predicted = oneHot(argmax(logits), classes, 'float32');
  const counts = dotGeneral(truth, predicted, { batchLeft: [], batchRight: [], contractLeft: [0], contractRight: [0] });
  const [loss, count, confusion] = allReduce([sum(losses), sum(mask), counts]);
  return { loss, count, confusion };
}

/** The sums of an epoch with those of another batch. */
const addSums = (sums: MetricSums, more: MetricSums): MetricSums => ({
  loss: add(sums.loss, more.loss),
  count: add(sums.count, more.count),
  confusion: add(sums.confusion, more.confusion),
});

/** One step of evaluation: sums over a labelled batch, without augmentation or dropout, and the probabilities. */
export function evaluationStep(classifier: Classifier) {
  return (
    metrics: MetricSums,
    weights: Weights,
    batch: BatchTensors,
  ): { metrics: MetricSums; probabilities: Tensor } => {
    const logits = inferenceLogits(classifier, weights, batch.images);
    const mask = convert(batch.mask, 'float32');
    const losses = mul(sparseCategoricalCrossEntropy(logits, batch.labels), mask);
    return {
      metrics: addSums(metrics, batchSums({ losses, logits, labels: batch.labels, mask })),
      probabilities: softmax(logits),
    };
  };
}

/** Probabilities of a batch of images, [batch, classes]. */
export function predictionStep(classifier: Classifier) {
  return (weights: Weights, images: Tensor): Tensor => softmax(inferenceLogits(classifier, weights, images));
}

function inferenceLogits(
  { network, prepareWhole }: Classifier,
  { params, statistics }: Weights,
  images: Tensor,
): Tensor {
  const { output } = applyNetwork(network, { ...params, ...statistics }, prepareWhole(images), { training: false });
  return convert(output, 'float32');
}
