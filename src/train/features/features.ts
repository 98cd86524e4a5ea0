import type { Dataset } from '../../data/index.ts';
import type { Model, SplitModel } from '../../models/index.ts';
import { applyNetwork, type Network } from '../../nn/index.ts';
import { HeldTogether, Hosts, jit, type ArraysOf, type Backend } from '../../runtime/index.ts';
import { convert, elementCount, foldIn, mul, replicaId, type Tensor, type TensorType } from '../../xla/index.ts';
import { augment, type AugmentSettings } from '../augment/index.ts';
import { evaluationBatches, placeRows, type ExampleBatch, type Examples } from '../step/device-batches.ts';
import { replicateKey } from '../step/run-key.ts';
import { batchTypes, rowsPerReplica, stepInputTypes } from '../step/step.ts';
import { variableTypes, type Weights } from '../step/train-state.ts';

/** Features of the pictures of a data set, in views: the first as predictions see the pictures, the others augmented. */
export class Features implements Examples {
  readonly count: number;
  readonly #labels: Int32Array;
  /** One example's features. */
  readonly #input: TensorType;
  /** Each view has the features of all examples. */
  readonly #views: readonly Float32Array[];
  /** Which examples have features; pictures that could not be decoded have none. */
  readonly #valid: Uint8Array;

  constructor(labels: Int32Array, input: TensorType, views: readonly Float32Array[], valid: Uint8Array) {
    this.count = labels.length;
    this.#labels = labels;
    this.#input = input;
    this.#views = views;
    this.#valid = valid;
  }

  get byteLength(): number {
    return this.#views.reduce((sum, view) => sum + view.byteLength, 0);
  }

  /** The same examples with the features of another view. */
  view(index: number): Features {
    return new Features(this.#labels, this.#input, [this.#views[index % this.#views.length]], this.#valid);
  }

  async *batches({ batchSize, order }: Parameters<Examples['batches']>[0]): AsyncGenerator<ExampleBatch, void, void> {
    const indices = order instanceof Uint32Array ? order : Uint32Array.from({ length: this.count }, (_, i) => i);
    for (let start = 0; start < indices.length; start += batchSize) {
      yield this.#batch(indices.subarray(start, start + batchSize), batchSize);
    }
  }

  #batch(records: Uint32Array, batchSize: number): ExampleBatch {
    const length = elementCount(this.#input.shape);
    const images = new Float32Array(batchSize * length);
    const labels = new Int32Array(batchSize);
    const mask = new Uint8Array(batchSize);
    const indices = new Uint32Array(batchSize);
    indices.set(records);
    for (const [row, index] of records.entries()) {
      images.set(this.#views[0].subarray(index * length, (index + 1) * length), row * length);
      labels[row] = this.#labels[index];
      mask[row] = this.#valid[index];
    }
    return { images, labels, mask, indices, count: records.length, release: () => {} };
  }
}

export interface ExtractOptions {
  readonly batchSize: number;
  readonly views: number;
  readonly augment: AugmentSettings;
  readonly seed: number;
  /** Asked after each batch; what it throws ends the computation. */
  readonly check?: () => void | Promise<void>;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Computes the features of all pictures of data sets. */
export type Extractor = (weights: ArraysOf<Weights>, data: Dataset, options: ExtractOptions) => Promise<Features>;

/** A batch of images to their features. */
export const featuresOf =
  (prepare: Model['prepare'], extractor: Network) =>
  ({ params, statistics }: Weights, pixels: Tensor): Tensor => {
    const values = { ...params, ...statistics };
    const { output } = applyNetwork(extractor, values, prepare(pixels), { training: false });
    return convert(output, 'float32');
  };

/** Compiles the part of a model before what is trained. `batchSize` is over all replicas. */
export async function compileExtractor(
  backend: Backend,
  model: Model,
  { extractor, backbone, head }: SplitModel,
  { batchSize, augment: changes }: Pick<ExtractOptions, 'batchSize' | 'augment'>,
): Promise<Extractor & { dispose(): void }> {
  const { images } = batchTypes(model, rowsPerReplica(batchSize, backend.replicas));
  const types = variableTypes({ variables: backbone });
  const plain = await jit(backend, featuresOf(model.prepareWhole, extractor), [types, images], {
    name: `${model.name}_features`,
    forInference: { weights: 0 },
  });
  const ofViews = featuresOf(model.prepare, extractor);
  const compileAugmented = async () =>
    jit(
      backend,
      (weights: Weights, pixels: Tensor, key: Tensor, batch: Tensor) => {
        const firstExample = mul(replicaId(), pixels.shape[0]);
        return ofViews(weights, augment(pixels, changes, { key: foldIn(key, batch), firstExample }));
      },
      [types, images, stepInputTypes.key, COUNTER],
      { name: `${model.name}_augmented_features`, forInference: { weights: 0 } },
    );
  let augmented: Awaited<ReturnType<typeof compileAugmented>> | undefined;

  const extract: Extractor = async (weights, data, { views, seed, check, onProgress = () => {} }) => {
    const length = elementCount(head.input.shape);
    const all = Array.from({ length: views }, () => new Float32Array(data.count * length));
    const valid = new Uint8Array(data.count);
    if (views > 1) augmented ??= await compileAugmented();
    const key = await replicateKey(backend, seed);
    let done = 0;
    let batchNumber = 0;
    try {
      // Every picture is decoded once, whatever the number of views.
      for await (const batch of evaluationBatches(backend, data, model.input, batchSize)) {
        using held = new HeldTogether();
        held.keep(batch);
        await check?.();
        for (const [view, features] of all.entries()) {
          using ofView = new HeldTogether();
          const number = async () => ofView.keep(await backend.replicate(Uint32Array.of(batchNumber++), COUNTER));
          const output = ofView.keep(
            view === 0 || augmented === undefined
              ? await plain(weights, batch.arrays.images)
              : await augmented(weights, batch.arrays.images, key, await number()),
          );
          placeRows(batch, (await backend.gather(output)) as Float32Array, length, features);
          done += batch.examples;
          onProgress(done, data.count * views);
        }
        for (const [row, index] of batch.indices.entries()) if (batch.mask[row] === 1) valid[index] = 1;
      }
      // Each host has computed those of its own pictures.
      for (const array of [...all, valid]) await Hosts.of(backend).share(array);
    } finally {
      key.dispose();
    }
    return new Features(data.labels, head.input, all, valid);
  };
  const dispose = () => {
    plain.dispose();
    augmented?.dispose();
  };
  return Object.assign(extract, { dispose });
}

const COUNTER: TensorType = { shape: [], dtype: 'uint32' };
