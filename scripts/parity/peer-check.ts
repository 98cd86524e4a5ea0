import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  buildModel,
  describeWeights,
  exportWeights,
  loadWeights,
  preprocess as applyPreprocess,
  type Model,
  type Preprocess,
} from '../../src/models/index.ts';
import { applyNetwork } from '../../src/nn/index.ts';
import { jit, type Backend, type DeviceArray } from '../../src/runtime/index.ts';
import type { HostTensor, Tensor, TensorType } from '../../src/xla/index.ts';
import { formulaVariable } from '../../test/formula-values.ts';
import type { PeerCase } from './peer-cases.ts';
import type { PeerProcess } from './peer-process.ts';

const CLASSES = 7;

/** Images for a comparison, also in a file for the other side. */
export interface Pixels {
  readonly file: string;
  readonly data: Uint8Array;
}

type Values = ReadonlyMap<string, HostTensor>;

/** Their random network, written by them and read by us: the relative error of our logits. */
export async function checkReading(
  backend: Backend,
  peer: PeerProcess,
  one: PeerCase,
  folder: string,
  pixels: Pixels,
): Promise<number> {
  const file = join(folder, `theirs${one.endings[0]}`);
  const theirs = await peer.ask({ ...one, classes: CLASSES, action: 'save', file, pixels: pixels.file });
  try {
    const source = await describeWeights(one.model, file);
    const model = modelFor(one, source.options);
    const { values, fresh, preprocess } = await loadWeights(model, source);
    if (fresh.length > 0) throw new Error(`${fresh.join(', ')} were not in the file`);
    return relativeError(await logitsOf(backend, model, values, preprocess, pixels.data), theirs);
  } finally {
    await rm(file);
  }
}

/** Our random network, written by us and read by them, in each form that the project has: the greatest error. */
export async function checkWriting(
  backend: Backend,
  peer: PeerProcess,
  one: PeerCase,
  folder: string,
  pixels: Pixels,
): Promise<number> {
  const torch = one.peer !== 'keras';
  const options = {
    ...(torch && /^resnet\d+$/.test(one.model) ? { downsampling: 'second' } : {}),
    ...(torch && one.model === 'mobilenet-v2' ? { padding: 'symmetric', epsilon: 1e-5 } : {}),
  };
  const model = modelFor(one, options);
  const values = new Map(model.variables.map((spec, i): [string, HostTensor] => [spec.path, formulaTensor(spec, i)]));
  const { preprocess } = model;
  const ours = await logitsOf(backend, model, values, preprocess, pixels.data);
  const classNames = Array.from({ length: CLASSES }, (_, i) => `class ${i}`);
  let worst = 0;
  for (const ending of one.endings) {
    const file = join(folder, `ours${ending}`);
    await exportWeights({ model, values, preprocess, classNames }, one.peer, file);
    try {
      const theirs = await peer.ask({ ...one, classes: CLASSES, action: 'load', file, pixels: pixels.file });
      worst = Math.max(worst, relativeError(theirs, ours));
    } finally {
      await rm(file, { recursive: true });
    }
  }
  return worst;
}

function formulaTensor({ path, shape, role }: Model['variables'][number], index: number): HostTensor {
  const data = formulaVariable(index, path, shape);
  // Scales of residual branches have no name of their own in the formula.
  return { shape, dtype: 'float32', data: role === 'scale' && !path.endsWith('gamma') ? data.map((x) => 1 + x) : data };
}

const modelFor = ({ model: name, size }: PeerCase, options: Readonly<Record<string, unknown>>): Model =>
  buildModel({ name, options, classes: CLASSES, size: { height: size, width: size } });

async function logitsOf(
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
      applyNetwork(model.network, tensors, applyPreprocess(input, preprocess), { training: false }).output,
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

/** NaN where the lengths differ. */
function relativeError(ours: readonly number[], theirs: readonly number[]): number {
  if (ours.length !== theirs.length) return NaN;
  const scale = Math.max(...theirs.map(Math.abs));
  return Math.max(...ours.map((value, i) => Math.abs(value - theirs[i]))) / scale;
}
