import type { Batch, BatchOptions } from '../../data/index.ts';
import { allOrNone, dispose, type ArraysOf, type Backend, type Host } from '../../runtime/index.ts';
import type { HostArray, TensorType } from '../../xla/index.ts';
import type { BatchTensors } from './step.ts';

/** Labelled inputs of a classifier in a fixed order: a data set's pictures, or the features of them. */
export interface Examples {
  readonly count: number;
  /** Decoded batches, some ahead of the consumer. */
  batches(options: BatchOptions): AsyncGenerator<ExampleBatch, void, void>;
}

/** A batch on the host; `images` are whatever the classifier takes. */
export type ExampleBatch = Omit<Batch, 'images'> & { readonly images: HostArray };

/** A batch on the devices, split over the replicas. */
export interface DeviceBatch {
  readonly arrays: ArraysOf<BatchTensors>;
  /** How many rows are examples; the others are masked. */
  readonly examples: number;
  /** Which record each row is. */
  readonly indices: Uint32Array;
  readonly mask: Uint8Array;
  dispose(): void;
}

/**
 * The batches of one epoch of training from step `from` on; `epochOrder` says which example stands at each place, and
 * `input` is the type of one example.
 *
 * The last batch is filled up with the first examples of the epoch: real images, so that batch-norm statistics stay
 * right, but masked, so that each example counts once.
 */
export async function* trainingBatches(
  backend: Backend,
  data: Examples,
  input: TensorType,
  options: { readonly batchSize: number; readonly epochOrder: Uint32Array; readonly from: number },
): AsyncGenerator<DeviceBatch, void, void> {
  const { batchSize, epochOrder, from } = options;
  const steps = Math.ceil(data.count / batchSize);
  const places = hostPlaces(backend.host, batchSize, { from, steps });
  const order = places.map((place) => epochOrder[place % data.count]);
  yield* placedBatches(backend, data, input, { places, order, rows: batchSize / backend.host.count });
}

/** Where this host's rows of steps `from` to `steps` stand in the row of all examples: each host reads its own. */
function hostPlaces(
  { index, count }: Host,
  batchSize: number,
  { from, steps }: { readonly from: number; readonly steps: number },
): Uint32Array {
  const rows = batchSize / count;
  return Uint32Array.from({ length: (steps - from) * rows }, (_, i) => {
    const step = from + Math.floor(i / rows);
    return step * batchSize + index * rows + (i % rows);
  });
}

/** Batches of given examples; those whose place is behind the last example are masked. */
async function* placedBatches(
  backend: Backend,
  data: Examples,
  input: TensorType,
  { places, order, rows }: { readonly places: Uint32Array; readonly order: Uint32Array; readonly rows: number },
): AsyncGenerator<DeviceBatch, void, void> {
  let done = 0;
  yield* ahead(data.batches({ batchSize: rows, order }), async (batch) => {
    const mask = batch.mask.map((valid, i) => (places[done + i] < data.count ? valid : 0));
    done += rows;
    return upload(backend, batch, mask, input);
  });
}

/** All examples once, in order; the last batch is padded with empty images and masked. */
export async function* evaluationBatches(
  backend: Backend,
  data: Examples,
  input: TensorType,
  batchSize: number,
): AsyncGenerator<DeviceBatch, void, void> {
  if (backend.host.count === 1) {
    yield* ahead(data.batches({ batchSize }), async (batch) => upload(backend, batch, batch.mask, input));
    return;
  }
  const places = hostPlaces(backend.host, batchSize, { from: 0, steps: Math.ceil(data.count / batchSize) });
  const order = places.map((place) => Math.min(place, data.count - 1));
  yield* placedBatches(backend, data, input, { places, order, rows: batchSize / backend.host.count });
}

async function upload(
  backend: Backend,
  batch: ExampleBatch,
  mask: Uint8Array,
  { shape, dtype }: TensorType,
): Promise<DeviceBatch> {
  const rows = batch.labels.length;
  const uploads = [
    backend.shard(batch.images, { shape: [rows, ...shape], dtype }),
    backend.shard(batch.labels, { shape: [rows], dtype: 'int32' }),
    backend.shard(mask, { shape: [rows], dtype: 'uint8' }),
  ] as const;
  const [images, labels, valid] = await allOrNone(uploads, dispose);
  const { indices } = batch;
  batch.release();
  const arrays = { images, labels, mask: valid };
  return {
    arrays,
    examples: mask.reduce((sum, value) => sum + value, 0),
    indices,
    mask,
    dispose: () => {
      for (const array of [images, labels, valid]) array.dispose();
    },
  };
}

/** Applies `change` to what comes, always to one item more than the consumer has taken. */
async function* ahead<T>(
  source: AsyncGenerator<T, void, void>,
  change: (item: T) => Promise<DeviceBatch>,
): AsyncGenerator<DeviceBatch, void, void> {
  const next = async (): Promise<DeviceBatch | undefined> => {
    const result = await source.next();
    return result.done === true ? undefined : change(result.value);
  };
  let pending = next();
  try {
    for (;;) {
      const current = await pending;
      if (current === undefined) return;
      pending = next();
      // A failure belongs to whoever takes the item; nobody may.
      pending.catch(() => {});
      yield current;
    }
  } finally {
    await source.return();
    await pending.then(
      (unused) => unused?.dispose(),
      () => {},
    );
  }
}

/** Lays the rows of a step's output, [batch, classes], to their records' places in `all`; padding has none. */
export function placeRows(
  { indices, mask }: DeviceBatch,
  rows: Float32Array,
  classes: number,
  all: Float32Array,
): void {
  for (const [row, index] of indices.entries()) {
    if (mask[row] === 1) all.set(rows.subarray(row * classes, (row + 1) * classes), index * classes);
  }
}
