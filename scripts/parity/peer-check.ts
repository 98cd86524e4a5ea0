import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { buildModel, describeWeights, exportWeights, loadWeights, type Model } from '../../src/models/index.ts';
import type { Backend } from '../../src/runtime/index.ts';
import { formulaValues, logitsOf, relativeError } from '../../test/logits.ts';
import type { PeerCase } from './peer-cases.ts';
import type { PeerProcess } from './peer-process.ts';

const CLASSES = 7;

/** Images for a comparison, also in a file for the other side. */
export interface Pixels {
  readonly file: string;
  readonly data: Uint8Array;
}

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
  const values = formulaValues(model);
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

const modelFor = ({ model: name, size }: PeerCase, options: Readonly<Record<string, unknown>>): Model =>
  buildModel({ name, options, classes: CLASSES, size: { height: size, width: size } });
