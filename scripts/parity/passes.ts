import { applyNetwork, isTrainable, sparseCategoricalCrossEntropy } from '../../src/nn/index.ts';
import { preprocess, type Model } from '../../src/models/index.ts';
import { jit, type Backend, type DeviceArray, type JitOptions } from '../../src/runtime/index.ts';
import { gradient, mean, sqrt, square, stack, sum, type Tensor, type TensorType } from '../../src/xla/index.ts';
import { formulaImage, formulaUniform, formulaVariable } from '../../test/formula-values.ts';
import type { Fixture } from './fixture.ts';

export type Precision = 'float32' | 'float64';

type Variables<Leaf> = Readonly<Record<string, Leaf>>;

export interface Inputs {
  readonly images: DeviceArray;
  readonly labels: DeviceArray;
  readonly variables: Variables<DeviceArray>;
}

/**
 * The fixture's images, labels and weights on the device. With a number above 0 the weights are nudged: about half of them, others for
 * each number, are one float32 off, which does to a pass what another order of its sums would do.
 */
export async function uploadInputs(backend: Backend, model: Model, fixture: Fixture, nudge = 0): Promise<Inputs> {
  const { size, labels, preprocess: family } = fixture;
  const pixels = size * size * 3;
  const images = new Uint8Array(labels.length * pixels);
  for (const n of labels.keys()) images.set(formulaImage(n, pixels), n * pixels);
  // The formula goes by the variable's place in the Keras model.
  const places = new Map(fixture.variables.map(({ path }, i) => [path, i]));
  const variables: Record<string, DeviceArray> = {};
  for (const { path, shape, dtype } of model.variables) {
    const values = formulaVariable(places.get(path) ?? NaN, path, shape, family === 'vgg16' ? 6 : 3);
    if (nudge > 0) nudgeValues(values, nudge * fixture.variables.length + (places.get(path) ?? NaN));
    variables[path] = await backend.replicate(values, { shape, dtype });
  }
  return {
    images: await backend.replicate(images, { shape: [labels.length, size, size, 3], dtype: 'uint8' }),
    labels: await backend.replicate(Int32Array.from(labels), { shape: [labels.length], dtype: 'int32' }),
    variables,
  };
}

export function disposeInputs({ images, labels, variables }: Inputs): void {
  for (const array of [images, labels, ...Object.values(variables)]) array.dispose();
}

/** Half a unit of the last place of float32, a little more so that no product rounds back. */
const HALF_UNIT = 1.01 * 2 ** -24;

function nudgeValues(values: Float32Array, stream: number): void {
  for (let i = 0; i < values.length; i++) values[i] *= 1 + (formulaUniform(stream, i) < 0.5 ? HALF_UNIT : -HALF_UNIT);
}

const typeOf = ({ shape, dtype }: TensorType): TensorType => ({ shape, dtype });
const typesOf = (arrays: Variables<DeviceArray>): Variables<TensorType> =>
  Object.fromEntries(Object.entries(arrays).map(([path, array]) => [path, typeOf(array)]));

/** How a program is compiled, and how often the fixture's images are in its batch: programs for many pictures are others than for few. */
interface InferenceForm extends Pick<JitOptions, 'platform' | 'forInference'> {
  readonly copies?: number;
}

/** Every form in which a backend predicts. On a CPU those of other platforms run too, if slower. */
export function inferenceForms({ platform }: Backend): readonly InferenceForm[] {
  const own: InferenceForm[] = [{}, { forInference: { weights: 0 } }];
  if (platform !== 'cpu') return own;
  return [...own, { forInference: { weights: 0 }, copies: 16 }, { platform: 'tpu' }, { platform: 'cuda' }];
}

/** Logits by moving statistics, of the fixture's images and of their copies. */
export async function inferenceLogits(
  backend: Backend,
  model: Model,
  { images: fixture, variables }: Inputs,
  { copies = 1, ...options }: InferenceForm,
): Promise<number[]> {
  const pixels = Buffer.from((await fixture.toHost()) as Uint8Array);
  const [count, ...picture] = fixture.shape;
  const shape = [count * copies, ...picture];
  const images = await backend.replicate(new Uint8Array(Buffer.concat(Array.from({ length: copies }, () => pixels))), { shape, dtype: 'uint8' }); // prettier-ignore
  const run = await jit(
    backend,
    (tensors: Variables<Tensor>, input: Tensor) =>
      applyNetwork(model.network, tensors, preprocess(input, model.preprocess), { training: false }).output,
    [typesOf(variables), typeOf(images)],
    { name: `parity_inference_${model.name}`, ...options },
  );
  try {
    return await takeNumbers(await run(variables, images));
  } finally {
    run.program.dispose();
    images.dispose();
  }
}

export interface TrainingPass {
  readonly logits: readonly number[];
  readonly loss: number;
  readonly norms: Readonly<Record<string, number>>;
}

/** Logits with batch statistics, the mean loss, and the L2 norm of every gradient. */
export async function trainingPass(
  backend: Backend,
  model: Model,
  { images, labels, variables }: Inputs,
  precision: Precision,
): Promise<TrainingPass> {
  const paths = model.variables.filter(isTrainable).map(({ path }) => path);
  const step = (tensors: Variables<Tensor>, input: Tensor, truth: Tensor) => {
    const pixels = preprocess(input, model.preprocess, precision);
    const logits = applyNetwork(model.network, tensors, pixels, { training: true }).output;
    const loss = mean(sparseCategoricalCrossEntropy(logits, truth));
    const gradients = gradient(
      loss,
      paths.map((path) => tensors[path]),
    );
    return { logits, loss, norms: stack(gradients.map((g) => sqrt(sum(square(g))))) };
  };
  const types = [typesOf(variables), typeOf(images), typeOf(labels)] as const;
  const run = await jit(backend, step, [...types], { name: `parity_training_${model.name}_${precision}` });
  try {
    const results = await run(variables, images, labels);
    const norms = await takeNumbers(results.norms);
    return {
      logits: await takeNumbers(results.logits),
      loss: (await takeNumbers(results.loss))[0],
      norms: Object.fromEntries(paths.map((path, i) => [path, norms[i]])),
    };
  } finally {
    run.program.dispose();
  }
}

async function takeNumbers(array: DeviceArray): Promise<number[]> {
  const values = await array.toHost();
  array.dispose();
  return Array.from(values, Number);
}
