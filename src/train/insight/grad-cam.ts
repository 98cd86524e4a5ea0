import { aroundCenter, type Model } from '../../models/index.ts';
import { applyNetwork } from '../../nn/index.ts';
import { jit, type ArraysOf, type Backend, type Compiled, type DeviceArray } from '../../runtime/index.ts';
import {
  convert,
  mean,
  mul,
  oneHot,
  relu,
  reshape,
  sliceAxis,
  softmax,
  stack,
  sum,
  vjp,
  type Tensor,
  type TensorType,
} from '../../xla/index.ts';
import { batchTypes, rowsPerReplica } from '../step/step.ts';
import { variableTypes, type Weights } from '../step/train-state.ts';

/** Probabilities [batch, classes], with the last feature map they came from [batch, height, width, channels]. */
export interface Classified {
  readonly probabilities: Tensor;
  readonly features: Tensor;
}

/** A model compiled for batches of one size; both programs leave their results on the devices. */
export interface ExplainedClassifier {
  /** Rows over all replicas. */
  readonly batchSize: number;
  /** Classes an image that `explain` takes. */
  readonly explained: number;
  readonly classify: Compiled<[Weights, Tensor], Classified>;
  /**
   * Grad-CAM of chosen classes (Selvaraju et al. 2017): weights, features and class numbers int32 [batch, k] give maps
   * [batch, k, height, width], at least 0, on no scale in particular.
   *
   * It starts from the features, so that it costs a gradient of the classifier alone, not of the network.
   */
  readonly explain: Compiled<[Weights, Tensor, Tensor], Tensor>;
}

/** Compiles classification with explanations of `explained` classes an image. `batchSize` is over all replicas. */
export async function compileExplainedClassifier(
  backend: Backend,
  model: Model,
  batchSize: number,
  explained: number,
): Promise<ExplainedClassifier> {
  const rows = rowsPerReplica(batchSize, backend.replicas);
  const weights = variableTypes(model);
  const { images } = batchTypes(model, rows);
  const classify = await jit(backend, classification(model), [weights, images], {
    name: `${model.name}_classify`,
    forInference: { weights: 0 },
  });
  const [, map] = classify.program.outputs;
  const classes: TensorType = { shape: [rows, explained], dtype: 'int32' };
  const explain = await jit(backend, gradCam(model), [weights, map, classes], { name: `${model.name}_explain` });
  return { batchSize, explained, classify, explain };
}

/** How much each place of a picture spoke for a class, rows from the top; at least 0, on no scale in particular. */
export interface Heat {
  readonly height: number;
  readonly width: number;
  readonly values: Float32Array;
}

/** The maps of chosen classes of each row of a classified batch, on the host. */
export async function explainRows(
  backend: Backend,
  { batchSize, explained, explain }: ExplainedClassifier,
  weights: ArraysOf<Weights>,
  features: DeviceArray,
  classes: readonly (readonly number[])[],
): Promise<Heat[][]> {
  const numbers = new Int32Array(batchSize * explained);
  for (const [row, list] of classes.entries()) numbers.set(list, row * explained);
  const chosen = await backend.shard(numbers, { shape: [batchSize, explained], dtype: 'int32' });
  try {
    const maps = await explain(weights, features, chosen);
    const values = (await backend.gather(maps)) as Float32Array;
    const [, , height, width] = maps.shape;
    maps.dispose();
    const length = height * width;
    return classes.map((list, row) =>
      list.map((_, k) => {
        const from = (row * explained + k) * length;
        return { height, width, values: values.subarray(from, from + length) };
      }),
    );
  } finally {
    chosen.dispose();
  }
}

function classification({ parts, prepareWhole }: Model) {
  return (weights: Weights, images: Tensor): Classified => {
    const variables = { ...weights.params, ...weights.statistics };
    const run = { training: false };
    const { output: features } = applyNetwork(parts.features, variables, prepareWhole(images), run);
    const { output: vectors } = applyNetwork(parts.pool, variables, features, run);
    const { output: logits } = applyNetwork(parts.classifier, variables, vectors, run);
    return { probabilities: softmax(convert(logits, 'float32')), features };
  };
}

function gradCam({ parts, classes, preprocess: { centerCrop = 1 } }: Model) {
  return (weights: Weights, features: Tensor, chosen: Tensor): Tensor => {
    const variables = { ...weights.params, ...weights.statistics };
    const run = { training: false };
    const { output: vectors } = applyNetwork(parts.pool, variables, features, run);
    const { output: logits } = applyNetwork(parts.classifier, variables, vectors, run);
    const [rows, count] = chosen.shape;
    const maps = Array.from({ length: count }, (_, k) => {
      const label = reshape(sliceAxis(chosen, 1, k, k + 1), [rows]);
      const [slopes] = vjp([logits], [oneHot(label, classes, logits.dtype)], [features]);
      const importance = mean(convert(slopes, 'float32'), { axes: [1, 2], keepDims: true });
      return relu(sum(mul(importance, convert(features, 'float32')), { axes: [3] }));
    });
    return aroundCenter(stack(maps, 1), centerCrop);
  };
}
