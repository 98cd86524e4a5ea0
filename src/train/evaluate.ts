import { treeLeaves } from '../base/index.ts';
import { Confusion } from '../metrics/index.ts';
import type { Classifier } from '../models/index.ts';
import { isDeviceArray, jit, type ArraysOf, type Backend } from '../runtime/index.ts';
import { evaluationBatches, placeRows, type Examples } from './step/device-batches.ts';
import { batchTypes, evaluationStep, rowsPerReplica } from './step/step.ts';
import { emptyMetrics, metricTypes, variableTypes, type DeviceState, type Weights } from './step/train-state.ts';

/** Loss and confusion counts of a pass over labelled examples. */
export interface Scores {
  /** Mean loss of an example, without label smoothing. */
  readonly loss: number;
  readonly confusion: Confusion;
}

export interface Evaluation extends Scores {
  /**
   * [examples, classes], in the order of the data set; rows of examples that could not be decoded are 0, and on several hosts
   * those of the others' examples.
   */
  readonly probabilities: Float32Array;
}

/** Scores of a model's weights on a data set; compiled once, used after every epoch. */
export type Evaluator = (weights: ArraysOf<Weights>, data: Examples, options?: EvaluateOptions) => Promise<Evaluation>;

export interface EvaluateOptions {
  readonly signal?: AbortSignal;
  /** Asked after each batch; what it throws ends the evaluation. */
  readonly check?: () => void | Promise<void>;
  readonly onProgress?: (examples: number) => void;
}

/** Compiles the evaluation of a model, or of a head on features. `batchSize` is over all replicas. */
export async function compileEvaluator(
  backend: Backend,
  model: Classifier,
  batchSize: number,
): Promise<Evaluator & { dispose(): void }> {
  const step = await jit(
    backend,
    evaluationStep(model),
    [metricTypes(model.classes), variableTypes(model), batchTypes(model, rowsPerReplica(batchSize, backend.replicas))],
    { name: `${model.name}_evaluate`, donate: [0], forInference: { weights: 1 } },
  );
  const evaluate: Evaluator = async (weights, data, { signal, check, onProgress } = {}) => {
    const probabilities = new Float32Array(data.count * model.classes);
    let metrics = await emptyMetrics(backend, model.classes);
    let done = 0;
    try {
      for await (const batch of evaluationBatches(backend, data, model.input, batchSize)) {
        const result = await step(metrics, weights, batch.arrays).finally(() => batch.dispose());
        metrics = result.metrics;
        placeRows(batch, (await backend.gather(result.probabilities)) as Float32Array, model.classes, probabilities);
        result.probabilities.dispose();
        done += batch.examples;
        onProgress?.(done);
        signal?.throwIfAborted();
        await check?.();
      }
    } catch (error) {
      for (const array of treeLeaves(metrics, isDeviceArray)) array.dispose();
      throw error;
    }
    return { ...(await readScores(metrics, model.classes)), probabilities };
  };
  return Object.assign(evaluate, { dispose: () => step.dispose() });
}

/** Brings the sums of an epoch to the host and frees them. */
export async function readScores(metrics: DeviceState['metrics'], classes: number): Promise<Scores> {
  const [loss, count, counts] = await Promise.all([
    metrics.loss.toHost(),
    metrics.count.toHost(),
    metrics.confusion.toHost(),
  ]);
  for (const array of treeLeaves(metrics, isDeviceArray)) array.dispose();
  const confusion = new Confusion(classes);
  confusion.addCounts(counts as Float32Array);
  return { loss: Number(loss[0]) / Math.max(1, Number(count[0])), confusion };
}
