import { inflateSync } from 'node:zlib';
import { DataError } from '../data-error.ts';

/** Numbers of a MATLAB array, by columns. */
export interface MatArray {
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

const HEADER_BYTES = 128;
/** Compressed variables are unpacked up to this size: label lists need kilobytes. */
const MAX_BYTES = 64 * 2 ** 20;

const MATRIX = 14;
const COMPRESSED = 15;

/** Bytes of a number of each type of level 5 that holds numbers, and how one is read. */
const NUMBERS: Readonly<Record<number, readonly [bytes: number, read: (at: DataView, offset: number) => number]>> = {
  1: [1, (at, offset) => at.getInt8(offset)],
  2: [1, (at, offset) => at.getUint8(offset)],
  3: [2, (at, offset) => at.getInt16(offset, true)],
  4: [2, (at, offset) => at.getUint16(offset, true)],
  5: [4, (at, offset) => at.getInt32(offset, true)],
  6: [4, (at, offset) => at.getUint32(offset, true)],
  7: [4, (at, offset) => at.getFloat32(offset, true)],
  9: [8, (at, offset) => at.getFloat64(offset, true)],
};

/**
 * Real arrays of numbers in a MATLAB file of level 5 (MathWorks, "MAT-File Format"), by name; what else it holds is left out.
 *
 * @throws DataError `BAD_MAT` with what is wrong.
 */
export function readMatFile(bytes: Uint8Array, file: string): Map<string, MatArray> {
  const arrays = new Map<string, MatArray>();
  try {
    const view = viewOf(bytes);
    if (bytes.length < HEADER_BYTES || view.getUint16(126, true) !== 0x4d49) throw new RangeError('no MATLAB 5 file of little-endian numbers'); // prettier-ignore
    for (const element of elementsOf(bytes.subarray(HEADER_BYTES), 1)) {
      const matrix = element.type === COMPRESSED ? inflated(element.data) : element;
      if (matrix?.type === MATRIX) addArray(matrix.data, arrays);
    }
  } catch (cause) {
    throw new DataError('BAD_MAT', `can't be read: ${(cause as Error).message}`, { place: { file }, cause });
  }
  return arrays;
}

interface Element {
  readonly type: number;
  readonly data: Uint8Array;
}

/** The elements that lie one after the other, each beginning at a multiple of `alignment` bytes. */
function* elementsOf(bytes: Uint8Array, alignment: number): Generator<Element> {
  const view = viewOf(bytes);
  for (let at = 0; at + 8 <= bytes.length;) {
    const first = view.getUint32(at, true);
    // Up to four bytes stand in the element's own header.
    const small = first >>> 16;
    const type = small === 0 ? first : first & 0xffff;
    const length = small === 0 ? view.getUint32(at + 4, true) : small;
    const start = small === 0 ? at + 8 : at + 4;
    if ((small !== 0 && small > 4) || start + length > bytes.length) throw new RangeError('an element is cut off');
    yield { type, data: bytes.subarray(start, start + length) };
    at = small === 0 ? start + Math.ceil(length / alignment) * alignment : at + 8;
  }
}

function inflated(data: Uint8Array): Element | undefined {
  const [matrix] = elementsOf(inflateSync(data, { maxOutputLength: MAX_BYTES }), 8);
  return matrix;
}

/** Flags, dimensions, name and real part, in this order; cells, structures and text have others and are passed over. */
function addArray(matrix: Uint8Array, arrays: Map<string, MatArray>): void {
  const [flags, dimensions, name, real] = [...elementsOf(matrix, 8)];
  const isNumeric = flags !== undefined && flags.data[0] >= 6 && flags.data[0] <= 13;
  if (!isNumeric || dimensions === undefined || name === undefined || real === undefined) return;
  const shape = numbersOf(dimensions);
  const values = numbersOf(real);
  const count = shape.reduce((product, size) => product * size, 1);
  if (values.length !== count) throw new RangeError(`${values.length} numbers where ${shape.join('×')} belong`);
  arrays.set(Buffer.from(name.data).toString('latin1'), { shape, values });
}

function numbersOf({ type, data }: Element): number[] {
  const row = NUMBERS[type];
  if (row === undefined) throw new RangeError(`numbers of type ${type} are unknown`);
  const [bytes, read] = row;
  const view = viewOf(data);
  return Array.from({ length: Math.floor(data.length / bytes) }, (_, i) => read(view, i * bytes));
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
