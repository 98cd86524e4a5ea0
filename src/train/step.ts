import { UsageError } from '../base/index.ts';
import type { Classifier } from '../models/index.ts';
import { applyNetwork, sparseCategoricalCrossEntropy } from '../nn/index.ts';
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
  type Tensor,
  type TensorType,
} from '../xla/index.ts';
import { augment, mixExamples, type AugmentSettings } from './augment/index.ts';
import type { BatchTensors } from './batch-tensors.ts';
import type { Freezing } from './freeze.ts';
import { inParts, type ComputePart } from './gradient-parts.ts';
import { trainingLoss } from './loss.ts';
import { clipByGlobalNorm, type Optimizer } from './optimizer.ts';
import type { Recipe } from './recipe.ts';
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
export interface StepSettings {
  readonly classifier: Classifier;
  readonly recipe: Pick<Recipe, 'loss' | 'labelSmoothing' | 'clipNorm' | 'syncBatchNorm' | 'ema' | 'accumulate'>;
  readonly optimizer: Optimizer;
  readonly freezing: Freezing;
  /** How much the examples of each class count; all the same where there are none. */
  readonly classWeights?: readonly number[];
  /** Factors on the learning rate by variable, where they are not 1. */
  readonly rateFactors: ReadonlyMap<string, number>;
  /** Random changes of the images; none for features. */
  readonly augment: AugmentSettings | undefined;
  readonly replicas: number;
}

/**
 * One step of training as every replica runs it: its part of the batch forward and back, gradients summed over the
 * replicas, and the same update everywhere. `fixed` are the values of what is frozen.
 */
export function trainStep({
  classifier,
  recipe,
  optimizer,
  freezing,
  classWeights,
  rateFactors,
  augment: changes,
  replicas,
}: StepSettings) {
  return (state: TrainState, batch: BatchTensors, inputs: StepInputs, fixed: Weights): TrainState => {
    const key = foldIn(inputs.key, state.step);
    const ownFirst = mul(replicaId(), batch.labels.shape[0]);
    const mask = convert(batch.mask, 'float32');
    const [examples] = allReduce([sum(mask)]);
    const paths = Object.keys(state.params);
    const params = paths.map((path) => state.params[path]);
    const [drawKey, networkKey] = [foldIn(key, 0), foldIn(key, 1)];

    const compute: ComputePart = (rows, offset, moving) => {
      const firstExample = add(ownFirst, convert(offset, 'uint32'));
      const draws = { key: drawKey, firstExample };
      const augmented = changes === undefined ? rows.images : augment(rows.images, changes, draws);
      const mixed = changes === undefined ? undefined : mixExamples(augmented, rows.labels, changes, draws);
      const weights = mergeWeights({ params: state.params, statistics: moving }, fixed);
      const { output, updates } = applyNetwork(
        classifier.network,
        { ...weights.params, ...weights.statistics },
        classifier.prepare(mixed?.images ?? augmented),
        {
          training: true,
          key: networkKey,
          firstExample,
          syncReplicas: recipe.syncBatchNorm ? replicas : undefined,
          frozenLayers: freezing.frozenLayers,
          frozenStatistics: freezing.frozenStatistics,
        },
      );
      const outputs = convert(output, 'float32');
      const rowMask = convert(rows.mask, 'float32');
      const parts = {
        logits: outputs,
        labels: rows.labels,
        mask: rowMask,
        examples,
        mixed,
        replicas: replicas * recipe.accumulate,
      };
      const { loss, losses: partLosses } = trainingLoss(recipe.loss, recipe.labelSmoothing, classWeights, parts);
      const gradients = gradient(loss, params);
      return { gradients, statistics: { ...moving, ...updates }, losses: partLosses, logits: outputs };
    };
    const { statistics } = state;
    const whole =
      recipe.accumulate === 1
        ? compute(batch, scalar(0, 'uint32'), statistics)
        : inParts(recipe.accumulate, batch, { params, statistics, classes: classifier.classes }, compute);
    const { losses, logits } = whole;
    const summed = allReduce(whole.gradients);
    const gradients = recipe.clipNorm === undefined ? summed : clipByGlobalNorm(summed, recipe.clipNorm);

    const update = add(state.updates, 1);
    const roles = new Map(classifier.variables.map(({ path, role }) => [path, role]));
    const updated = paths.map((path, i) =>
      optimizer.update({
        value: state.params[path],
        gradient: gradients[i],
        slots: Object.fromEntries(optimizer.slots.map((slot) => [slot, state.slots[slot][path]])),
        learningRate: scaled(inputs.learningRate, rateFactors.get(path)),
        step: convert(update, 'float32'),
        role: roles.get(path) ?? 'kernel',
      }),
    );
    const next: Weights = {
      params: Object.fromEntries(paths.map((path, i) => [path, updated[i].value])),
      statistics: averageOverReplicas(whole.statistics, recipe.syncBatchNorm ? 1 : replicas),
    };
    return {
      ...next,
      slots: Object.fromEntries(
        optimizer.slots.map((slot) => [
          slot,
          Object.fromEntries(paths.map((path, i) => [path, updated[i].slots[slot]])),
        ]),
      ),
      ema: recipe.ema === undefined ? state.ema : movingAverage(state.ema, next, recipe.ema, update),
      metrics: accumulate(state.metrics, { losses, logits, labels: batch.labels, mask }),
      step: add(state.step, 1),
      updates: update,
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

/** Each average takes a share of the new value; in the first steps a larger one, so that the first values are soon forgotten. */
function movingAverage(old: Weights, now: Weights, decay: number, update: Tensor): Weights {
  const done = convert(update, 'float32');
  const kept = minimum(div(add(done, 1), add(done, 10)), decay);
  const mix = (before: Tensor, after: Tensor) => add(after, mul(sub(before, after), kept));
  const all = (before: Weights['params'], after: Weights['params']) =>
    Object.fromEntries(Object.keys(after).map((path) => [path, mix(before[path], after[path])]));
  return { params: all(old.params, now.params), statistics: all(old.statistics, now.statistics) };
}

interface Outcome {
  /** Loss of each example, 0 for padding. */
  readonly losses: Tensor;
  readonly logits: Tensor;
  readonly labels: Tensor;
  readonly mask: Tensor;
}

/** Adds a batch's losses and confusion counts, over all replicas, to the sums of the epoch. */
export function accumulate(sums: MetricSums, { losses, logits, labels, mask }: Outcome): MetricSums {
  const classes = logits.shape[1];
  const truth = mul(oneHot(labels, classes, 'float32'), expandDims(mask, 1));
  const predicted = oneHot(argmax(logits), classes, 'float32');
  const counts = dotGeneral(truth, predicted, { batchLeft: [], batchRight: [], contractLeft: [0], contractRight: [0] });
  const [loss, count, confusion] = allReduce([sum(losses), sum(mask), counts]);
  return { loss: add(sums.loss, loss), count: add(sums.count, count), confusion: add(sums.confusion, confusion) };
}

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
      metrics: accumulate(metrics, { losses, logits, labels: batch.labels, mask }),
      probabilities: softmax(logits),
    };
  };
}

/** Probabilities of a batch of images, [batch, classes]. */
export function predictionStep(classifier: Classifier) {
  return (weights: Weights, images: Tensor): Tensor => softmax(inferenceLogits(classifier, weights, images));
}

function inferenceLogits({ network, prepare }: Classifier, { params, statistics }: Weights, images: Tensor): Tensor {
  const { output } = applyNetwork(network, { ...params, ...statistics }, prepare(images), { training: false });
  return convert(output, 'float32');
}
