import { preprocessWhole, type Model, type Preprocess } from '../src/models/index.ts';
import { applyNetwork } from '../src/nn/index.ts';
import { jit, type Backend, type DeviceArray } from '../src/runtime/index.ts';
import type { HostTensor, Tensor, TensorType } from '../src/xla/index.ts';
import { formulaVariable } from './formula-values.ts';

export type Values = ReadonlyMap<string, HostTensor>;

/** Values by a formula for every variable of a model. */
export const formulaValues = (model: Model): Values =>
  new Map(model.variables.map((spec, i): [string, HostTensor] => [spec.path, formulaTensor(spec, i)]));

/**
 * The same with what blocks add to their shortcuts made smaller: with random weights the sum grows from block to block,
 * beyond what float16 holds.
 */
export const dampedValues = (model: Model): Values =>
  new Map(
    [...formulaValues(model)].map(([path, tensor]) => {
      const damped = /_3_(?:bn|conv)\/(?:gamma|kernel)$/.test(path);
      return [path, damped ? { ...tensor, data: (tensor.data as Float32Array).map((value) => 0.2 * value) } : tensor];
    }),
  );

function formulaTensor({ path, shape, role }: Model['variables'][number], index: number): HostTensor {
  const data = formulaVariable(index, path, shape);
  // Scales of residual branches have no name of their own in the formula.
  return { shape, dtype: 'float32', data: role === 'scale' && !path.endsWith('gamma') ? data.map((x) => 1 + x) : data };
}

/** Logits of a model for uint8 images, on the device. */
export async function logitsOf(
  backend: Backend,
  model: Model,
  values: Values,
  preprocess: Preprocess,
  pixels: Uint8Array,
): Promise<number[]> {
  const { height, width } = model.size;
  const shape = [pixels.length / (height * width * 3), height, width, 3];
  const images = await backend.replicate(pixels, { shape, dtype: 'uint8' });
  const arrays: Record<string, DeviceArray> = {};
  const types: Record<string, TensorType> = {};
  for (const { path } of model.variables) {
    const value = values.get(path);
    if (value === undefined) throw new Error(`no value of ${path}`);
    types[path] = { shape: value.shape, dtype: value.dtype };
    arrays[path] = await backend.replicate(value.data, types[path]);
  }
  const run = await jit(
    backend,
    (tensors: Readonly<Record<string, Tensor>>, input: Tensor) =>
      applyNetwork(model.network, tensors, preprocessWhole(input, preprocess), { training: false }).output,
    [types, { shape, dtype: 'uint8' }],
    { name: `peers_${model.name}` },
  );
  try {
    const output = await run(arrays, images);
    const logits = await output.toHost();
    output.dispose();
    return Array.from(logits, Number);
  } finally {
    run.program.dispose();
    for (const array of [images, ...Object.values(arrays)]) array.dispose();
  }
}

/** Greatest difference by the greatest value; NaN where the lengths differ. */
export function relativeError(ours: readonly number[], theirs: readonly number[]): number {
  if (ours.length !== theirs.length) return NaN;
  const scale = Math.max(...theirs.map(Math.abs));
  return Math.max(...ours.map((value, i) => Math.abs(value - theirs[i]))) / scale;
}
