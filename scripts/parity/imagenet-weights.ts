import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { z } from 'zod';
import { buildModel, findFamily, loadWeights, preprocess, resolveWeights } from '../../src/models/index.ts';
import { applyNetwork } from '../../src/nn/index.ts';
import { jit, type Backend, type DeviceArray } from '../../src/runtime/index.ts';
import type { Tensor, TensorType } from '../../src/xla/index.ts';

/** Greatest `|ours − theirs| / max |theirs|`. */
const TOLERANCE = 1e-3;
const CLASSES = 1000;

/** Top classes and first logits of photos, by the code that the weights were published with. */
const expectedSchema = z.record(
  z.string(),
  z.object({
    weights: z.string(),
    results: z.array(
      z.object({
        image: z.string(),
        top5: z.array(z.tuple([z.int(), z.string()])),
        logits: z.array(z.number()),
      }),
    ),
  }),
);

export type ImagenetExpectations = z.output<typeof expectedSchema>;

/** Reads the expectations; undefined for a JSON file of another kind. */
export async function readImagenetExpectations(path: string): Promise<ImagenetExpectations | undefined> {
  const { data } = expectedSchema.safeParse(JSON.parse(await readFile(path, 'utf8')));
  return data;
}

export interface ImagenetResult {
  readonly model: string;
  readonly ok: boolean;
  /** Relative error of the logits. */
  readonly error: number;
  /** Photos whose five best classes are others, or in another order. */
  readonly differing: readonly string[];
}

/** Runs our network with the same published weights on the photos in `pixels/` beside the file. */
export async function checkImagenetWeights(
  backend: Backend,
  path: string,
  model: string,
  { results }: ImagenetExpectations[string],
): Promise<ImagenetResult> {
  const photos = await Promise.all(
    results.map(async ({ image }) => {
      const photo = sharp(join(dirname(path), 'pixels', image)).removeAlpha();
      const { data, info } = await photo.raw().toBuffer({ resolveWithObject: true });
      return { data, shape: [info.height, info.width, info.channels] };
    }),
  );
  const name = familyNamed(model);
  const { logits, classes } = await imagenetLogits(backend, name, photos);
  let error = 0;
  const differing: string[] = [];
  for (const [i, { image, top5, logits: theirs }] of results.entries()) {
    const ours = [...logits.subarray(i * classes, (i + 1) * classes)];
    const scale = Math.max(...theirs.map(Math.abs));
    error = Math.max(error, ...theirs.map((value, j) => Math.abs(ours[j] - value) / scale));
    const best = [...ours.keys()].toSorted((a, b) => ours[b] - ours[a]).slice(0, top5.length);
    if (best.join() !== top5.map(([label]) => label).join()) differing.push(image);
  }
  // Written so that NaN fails.
  return { model: name, ok: error <= TOLERANCE && differing.length === 0, error, differing };
}

/** `mobilenet_v2` → `mobilenet-v2`. */
const familyNamed = (name: string): string => findFamily(name.replaceAll('_', '-')).name;

interface Photo {
  readonly data: Uint8Array;
  readonly shape: readonly number[];
}

async function imagenetLogits(
  backend: Backend,
  name: string,
  photos: readonly Photo[],
): Promise<{ logits: Float32Array; classes: number }> {
  const source = await resolveWeights(name, 'imagenet');
  if (source === undefined) throw new Error('imagenet means no weights');
  const [height, width] = photos[0].shape;
  const model = buildModel({ name, options: source.options, classes: CLASSES, size: { height, width } });
  const { values, preprocess: pixels } = await loadWeights(model, source);

  const shape = [photos.length, ...photos[0].shape];
  const images = await backend.replicate(Uint8Array.from(Buffer.concat(photos.map(({ data }) => data))), { shape, dtype: 'uint8' }); // prettier-ignore
  const variables: Record<string, DeviceArray> = {};
  const types: Record<string, TensorType> = {};
  for (const [path, tensor] of values) {
    types[path] = { shape: tensor.shape, dtype: tensor.dtype };
    variables[path] = await backend.replicate(tensor.data, types[path]);
  }
  const run = await jit(
    backend,
    (tensors: Readonly<Record<string, Tensor>>, input: Tensor) =>
      applyNetwork(model.network, tensors, preprocess(input, pixels), { training: false }).output,
    [types, { shape, dtype: 'uint8' }],
    { name: `imagenet_${name}` },
  );
  try {
    const output = await run(variables, images);
    const logits = await output.toHost();
    output.dispose();
    return { logits: Float32Array.from(logits as Float32Array), classes: CLASSES };
  } finally {
    run.program.dispose();
    for (const array of [images, ...Object.values(variables)]) array.dispose();
  }
}
