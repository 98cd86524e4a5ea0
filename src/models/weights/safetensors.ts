import type { FileHandle } from 'node:fs/promises';
import { z } from 'zod';
import { writeFile } from '../../base/index.ts';
import {
  byteSize,
  elementCount,
  formatShape,
  hostArray,
  type DType,
  type HostTensor,
  type TensorType,
} from '../../xla/index.ts';
import { openToRead, readBytes } from './read-bytes.ts';
import { matchesChecksum, RunningChecksum, withoutChecksum } from './safetensors-checksum.ts';
import { WeightsError } from './weights-error.ts';

const NAMES: Record<DType, string> = {
  float32: 'F32',
  float64: 'F64',
  bfloat16: 'BF16',
  float16: 'F16',
  int8: 'I8',
  int16: 'I16',
  int32: 'I32',
  int64: 'I64',
  uint8: 'U8',
  uint16: 'U16',
  uint32: 'U32',
  uint64: 'U64',
  bool: 'BOOL',
};
const DTYPE_OF = new Map(Object.entries(NAMES).map(([dtype, name]) => [name, dtype as DType]));

/** The header's entry for text, which is no tensor. */
const METADATA = '__metadata__';

/** What says how long the header behind it is. */
const LENGTH_BYTES = 8;

/** Longest header that is read, as in the reference implementation. */
const HEADER_LIMIT = 100_000_000;

const entrySchema = z.object({
  dtype: z.string(),
  shape: z.array(z.int().min(0)),
  data_offsets: z.tuple([z.int().min(0), z.int().min(0)]),
});

/**
 * Writes tensors and text metadata into one file, atomically.
 *
 * Format: https://github.com/huggingface/safetensors#format
 */
export async function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, HostTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const { head, ordered } = layOut(tensors, metadata);
  const parts = ordered.map(([, { data }]) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  await writeFile(path, [head, ...parts]);
}

/** The beginning of a file, and its tensors in the order in which their data follow. */
export function layOut<T extends TensorType>(
  tensors: ReadonlyMap<string, T>,
  metadata: Readonly<Record<string, string>>,
): { readonly head: Buffer; readonly ordered: readonly (readonly [string, T])[] } {
  const header: Record<string, unknown> = { [METADATA]: metadata };
  let offset = 0;
  // Wide types first: every tensor then starts at a multiple of its element size.
  const ordered = [...tensors].toSorted(([, a], [, b]) => byteSize(b.dtype) - byteSize(a.dtype));
  for (const [name, { dtype, shape }] of ordered) {
    const end = offset + elementCount(shape) * byteSize(dtype);
    header[name] = { dtype: NAMES[dtype], shape, data_offsets: [offset, end] };
    offset = end;
  }
  const bytes = Buffer.from(JSON.stringify(header));
  const head = Buffer.alloc(LENGTH_BYTES + Math.ceil(bytes.byteLength / 8) * 8, ' ');
  head.writeBigUInt64LE(BigInt(head.byteLength - LENGTH_BYTES));
  bytes.copy(head, LENGTH_BYTES);
  return { head, ordered };
}

/**
 * Reads a whole file, of any size, tensor by tensor.
 *
 * @throws WeightsError that says what is wrong with it, before any tensor is given out.
 */
export async function readSafetensors(
  path: string,
): Promise<{ tensors: Map<string, HostTensor>; metadata: Record<string, string> }> {
  await using file = await openToRead(path);
  const { size } = await file.stat();
  const head = await readHead(path, file, size);
  let header: Record<string, unknown>;
  try {
    header = z.record(z.string(), z.unknown()).parse(JSON.parse(head.toString('utf8', LENGTH_BYTES)));
  } catch {
    throw corrupt(path, 'its header is no JSON object');
  }
  const entries = Object.entries(header).filter(([name]) => name !== METADATA);
  const places = entries
    .map(([name, value]) => readEntry(path, name, value))
    .toSorted((a, b) => a.from - b.from || a.to - b.to);
  checkLayout(path, places, size - head.byteLength);
  const parsed = z.record(z.string(), z.string()).safeParse(header[METADATA] ?? {});
  const metadata = parsed.success ? parsed.data : {};

  const sum = new RunningChecksum();
  sum.add(withoutChecksum(head, metadata));
  const tensors = new Map<string, HostTensor>();
  for (const { name, shape, dtype, from, to } of places) {
    const bytes = new Uint8Array(to - from);
    const count = await readBytes(path, file, bytes, head.byteLength + from);
    if (count < bytes.byteLength) throw corrupt(path, `tensor ${name} is cut off`);
    sum.add(bytes);
    tensors.set(name, { shape, dtype, data: hostArray(dtype, bytes.buffer) });
  }
  if (!matchesChecksum(sum, metadata)) throw corrupt(path, "its content doesn't match its checksum");
  return { tensors, metadata };
}

/** The header with its length in front. */
async function readHead(path: string, file: FileHandle, size: number): Promise<Buffer> {
  if (size < LENGTH_BYTES) throw corrupt(path, 'it is shorter than its header');
  const length = Buffer.alloc(LENGTH_BYTES);
  await readBytes(path, file, length, 0);
  const end = LENGTH_BYTES + Number(length.readBigUInt64LE());
  if (end - LENGTH_BYTES > HEADER_LIMIT || end > size) throw corrupt(path, 'its header is cut off');
  const head = Buffer.alloc(end);
  const count = await readBytes(path, file, head, 0);
  if (count < end) throw corrupt(path, 'its header is cut off');
  return head;
}

/** A tensor as the header describes it; offsets count from the end of the header. */
interface Place extends TensorType {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

function readEntry(path: string, name: string, value: unknown): Place {
  const entry = entrySchema.safeParse(value);
  if (!entry.success) throw corrupt(path, `the entry of tensor ${name} makes no sense`);
  const { shape, data_offsets: offsets } = entry.data;
  const dtype = DTYPE_OF.get(entry.data.dtype);
  if (dtype === undefined) {
    throw new WeightsError('WEIGHTS_DTYPE', `${path}: tensor ${name} has a dtype that Sepal doesn't read`, {
      expected: [...DTYPE_OF.keys()].join(', '),
      received: entry.data.dtype,
    });
  }
  const [from, to] = offsets;
  if (to - from !== elementCount(shape) * byteSize(dtype)) {
    throw corrupt(path, `tensor ${name} ${formatShape(shape)} has ${to - from} bytes`);
  }
  return { name, shape, dtype, from, to };
}

/** Tensors, sorted by where they are, must fill the data without holes or overlaps, so that no two parsers can read a file differently. */
function checkLayout(path: string, places: readonly Place[], length: number): void {
  let end = 0;
  for (const { name, from, to } of places) {
    if (to > length) throw corrupt(path, `tensor ${name} is cut off`);
    if (from !== end) throw corrupt(path, `tensor ${name} starts at byte ${from}, not where the one before it ends`);
    end = to;
  }
  if (end !== length) throw corrupt(path, `${length - end} bytes belong to no tensor`);
}

const corrupt = (path: string, what: string): WeightsError =>
  new WeightsError('WEIGHTS_CORRUPT', `${path} is no whole safetensors file: ${what}`);
