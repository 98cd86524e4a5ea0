import { Random } from '../base/index.ts';
import { checkInteger } from './check-integer.ts';
import { DataError } from './data-error.ts';
import { decodeImage, type DecodeOptions, type ImageSize } from './decode.ts';
import { Gate } from './gate.ts';
import type { PixelCache } from './pixel-cache.ts';
import type { Source } from './source.ts';

/** Rows of a data set, decoded. The arrays have `batchSize` rows; those from `count` on are padding. */
export interface Batch {
  /** Pixels, [batchSize, height, width, 3], RGB 0..255. Rows with mask 0 hold zeros. */
  readonly images: Uint8Array;
  /** Class numbers, [batchSize]: -1 where unknown, 0 in padding. */
  readonly labels: Int32Array;
  /** `[batchSize]`: 1 for a picture, 0 for padding and for pictures left out because they can't be decoded. */
  readonly mask: Uint8Array;
  /** Which record each row is, [batchSize]; 0 in padding. */
  readonly indices: Uint32Array;
  /** How many rows stand for records. */
  readonly count: number;
  /**
   * Gives the memory of `images` back for a later batch. Optional: memory never given back is garbage collected. Call
   * it when nothing reads `images` any more, not even a running transfer.
   */
  release(): void;
}

/** `sequential`, a permutation drawn from seed and epoch, or the records to take. */
export type Order =
  'sequential' | { readonly shuffle: { readonly seed: number; readonly epoch: number } } | Uint32Array;

/** How a pass over a data set is cut into batches. */
export interface BatchOptions {
  readonly batchSize: number;
  readonly order?: Order;
  /** How many batches are decoded ahead of the consumer. */
  readonly prefetch?: number;
  readonly signal?: AbortSignal;
}

/** What the batches are made of. */
export interface Pictures {
  readonly source: Source;
  readonly size: ImageSize;
  readonly cache: PixelCache;
  readonly decode: DecodeOptions;
  /** Memory of released batches, kept from one pass to the next: new memory costs more than copying pixels into it. */
  readonly pool: Buffer[];
  /** Takes a record that can't be decoded; throws to end the batches. */
  onBad(index: number, error: DataError): void;
  isBad(index: number): boolean;
}

/**
 * How many pictures are with the decoding threads at a time: enough to keep them busy, and few enough that other work
 * in the same pool, such as file writes, isn't kept waiting. The pool is libuv's: four threads, unless the environment
 * variable UV_THREADPOOL_SIZE gives another number before it first works.
 *
 * Worker threads that decode synchronously were measured too: no faster (libjpeg-turbo is 80 % of the time either way),
 * and a process that ends while one decodes is aborted.
 */
const decodesAtATime = () => 4 * (Number(process.env.UV_THREADPOOL_SIZE) || 4);

/** Memory of released batches that is kept for the next ones. */
const POOL_BATCHES = 4;

/** Decodes the pictures in order, batch by batch, ahead of the consumer. */
export async function* makeBatches(pictures: Pictures, options: BatchOptions): AsyncGenerator<Batch, void, void> {
  const { batchSize, prefetch = 2, signal } = options;
  checkInteger('batchSize', batchSize, 1);
  checkInteger('prefetch', prefetch, 1);
  const order = resolveOrder(options.order ?? 'sequential', pictures.source.count);
  const total = Math.ceil(order.length / batchSize);
  const gate = new Gate(decodesAtATime());
  const stop = new AbortController();
  const ended = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  const queue: Promise<Batch>[] = [];
  let started = 0;
  const fill = () => {
    while (queue.length < prefetch && started < total) {
      const records = order.subarray(started * batchSize, ++started * batchSize);
      const batch = prepare(pictures, records, batchSize, gate, ended);
      // A failure belongs to whoever takes the batch; nobody may.
      batch.catch(() => {});
      queue.push(batch);
    }
  };
  try {
    for (let taken = 0; taken < total; taken++) {
      fill();
      const batch = await queue.shift()!;
      signal?.throwIfAborted();
      fill();
      yield batch;
    }
  } finally {
    stop.abort();
    await Promise.allSettled(queue);
  }
}

/** The records in the order that is meant. @throws DataError `BAD_ORDER` for a record that there is not. */
export function resolveOrder(order: Order, count: number): Uint32Array {
  if (order instanceof Uint32Array) {
    const beyond = order.find((index) => index >= count);
    if (beyond === undefined) return order;
    throw new DataError('BAD_ORDER', `record ${beyond} of a data set with ${count}`);
  }
  if (order === 'sequential') return Uint32Array.from({ length: count }, (_, i) => i);
  return new Random(order.shuffle.seed, 'shuffle', order.shuffle.epoch).permutation(count);
}

async function prepare(
  pictures: Pictures,
  records: Uint32Array,
  batchSize: number,
  gate: Gate,
  ended: AbortSignal,
): Promise<Batch> {
  const { source, size, cache, pool } = pictures;
  const imageBytes = size.height * size.width * 3;
  const images = take(pool, batchSize * imageBytes);
  const labels = new Int32Array(batchSize);
  const mask = new Uint8Array(batchSize);
  const indices = new Uint32Array(batchSize);
  indices.set(records);
  images.fill(0, records.length * imageBytes);

  const absent: number[] = [];
  for (let row = 0; row < records.length; row++) {
    const index = records[row];
    labels[row] = source.labels[index];
    const pixels = cache.get(index);
    if (pictures.isBad(index)) {
      images.fill(0, row * imageBytes, (row + 1) * imageBytes);
    } else if (pixels !== undefined) {
      images.set(pixels, row * imageBytes);
      mask[row] = 1;
    } else {
      absent.push(row);
    }
  }

  const encoded = await source.read(Uint32Array.from(absent, (row) => records[row]));
  const decode = async (row: number, bytes: Buffer | DataError) => {
    const index = records[row];
    const out = images.subarray(row * imageBytes, (row + 1) * imageBytes);
    try {
      if (bytes instanceof Error) throw bytes;
      const decodeInto = async (memory: Buffer) =>
        decodeImage(bytes, size, memory, source.place(index), pictures.decode);
      // The decoding thread is then the first to touch the cache's new memory, which takes longer than copying it.
      if (cache.holds(index)) out.set(await cache.fill(index, decodeInto));
      else await decodeInto(out);
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      out.fill(0);
      pictures.onBad(index, error);
      return;
    }
    mask[row] = 1;
  };
  const work: Promise<void>[] = [];
  let failed = false;
  for (const [i, row] of absent.entries()) {
    await gate.enter();
    if (ended.aborted || failed) {
      gate.leave();
      break;
    }
    const one = decode(row, encoded[i]).finally(() => gate.leave());
    // `settle` passes the failure on. Until then, while others wait for the gate, it is not to end the process as unhandled.
    one.catch(() => (failed = true));
    work.push(one);
  }
  await settle(work);
  ended.throwIfAborted();

  let released = false;
  const release = () => {
    if (!released && pool.length < POOL_BATCHES) pool.push(images);
    released = true;
  };
  return { images, labels, mask, indices, count: records.length, release };
}

/** Memory of that many bytes; memory of another batch size is let go. */
function take(pool: Buffer[], bytes: number): Buffer {
  const memory = pool.pop();
  return memory?.length === bytes ? memory : Buffer.allocUnsafeSlow(bytes);
}

/** Waits for all, so that no thread still writes to the batch, then passes the first failure on. */
async function settle(work: readonly Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(work);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
