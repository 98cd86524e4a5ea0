import { readIntegers, readMessage } from '../base/index.ts';

/** An array of a compiled program as it lies in memory. */
export interface HloArray {
  readonly elementType: number;
  readonly dimensions: readonly number[];
  readonly minorToMajor: readonly number[];
  /** Sizes that the innermost dimensions are padded to, innermost last. */
  readonly tile: readonly number[];
  /** 0 is the device's main memory. */
  readonly memorySpace: number;
}

/** One instruction of a compiled program. */
export interface HloInstruction {
  readonly id: number;
  readonly opcode: string;
  readonly operands: readonly number[];
  /** One array, or the leaves of a tuple. */
  readonly arrays: readonly HloArray[];
  readonly tupleIndex: number;
  /** The layer that it came from, as the program's text names it. */
  readonly layer: string;
  /** Cycles that the compiler counts on; 0 where it says nothing. */
  readonly cycles: number;
}

export interface HloEntry {
  /** Instructions of the entry computation in the order of their execution. */
  readonly instructions: readonly HloInstruction[];
  readonly root: number;
}

/*
 * Field numbers of `xla/service/hlo.proto` and `xla/xla_data.proto` of openxla/xla. Only what a plan needs is read: a whole
 * schema of the two files would be fifty times this one, and field numbers of a protobuf never change.
 */

/** The entry computation of an optimised program in the format `hlo_with_config` (or `hlo`) of a PJRT plugin. */
export function readHlo(format: string, code: Uint8Array): HloEntry {
  let module = code;
  if (format === 'hlo_with_config') readMessage(code, { 1: (reader) => (module = reader.bytes()) });
  let entry = 0;
  const computations = new Map<number, Uint8Array>();
  const schedule = new Map<number, number[]>();
  readMessage(module, {
    3: (reader) => {
      const bytes = reader.bytes();
      readMessage(bytes, { 5: (inner) => computations.set(Number(inner.int64()), bytes) });
    },
    6: (reader) => (entry = Number(reader.int64())),
    7: (reader) => readMessage(reader.bytes(), { 1: (inner) => readSequence(inner.bytes(), schedule) }),
  });
  const instructions = new Map<number, HloInstruction>();
  let root = 0;
  readMessage(computations.get(entry) ?? new Uint8Array(), {
    2: (reader) => {
      const instruction = readInstruction(reader.bytes());
      instructions.set(instruction.id, instruction);
    },
    6: (reader) => (root = Number(reader.int64())),
  });
  const order = schedule.get(entry) ?? [...instructions.keys()];
  return { instructions: order.map((id) => instructions.get(id)).filter((each) => each !== undefined), root };
}

function readSequence(bytes: Uint8Array, schedule: Map<number, number[]>): void {
  let key = 0;
  const ids: number[] = [];
  readMessage(bytes, {
    1: (reader) => (key = Number(reader.int64())),
    2: (reader) => readMessage(reader.bytes(), { 1: (inner, wireType) => readIntegers(inner, wireType, ids) }),
  });
  schedule.set(key, ids);
}

function readInstruction(bytes: Uint8Array): HloInstruction {
  let id = 0;
  let opcode = '';
  let layer = '';
  let tupleIndex = 0;
  let cycles = 0;
  const operands: number[] = [];
  const arrays: HloArray[] = [];
  readMessage(bytes, {
    2: (reader) => (opcode = reader.string()),
    3: (reader) => readShape(reader.bytes(), arrays),
    7: (reader) => readMessage(reader.bytes(), { 2: (inner) => (layer = inner.string()) }),
    13: (reader) => (tupleIndex = Number(reader.int64())),
    35: (reader) => (id = Number(reader.int64())),
    36: (reader, wireType) => readIntegers(reader, wireType, operands),
    // JSON of the TPU's compiler.
    43: (reader) => (cycles = Number(/"estimated_cycles":"(\d+)"/.exec(reader.string())?.[1] ?? 0)),
  });
  return { id, opcode, operands, arrays, tupleIndex, layer, cycles };
}

const TUPLE = 13;

function readShape(bytes: Uint8Array, into: HloArray[]): void {
  let elementType = 0;
  const dimensions: number[] = [];
  const parts: Uint8Array[] = [];
  const layout = { minorToMajor: [] as number[], tile: [] as number[], memorySpace: 0 };
  readMessage(bytes, {
    2: (reader) => (elementType = reader.int32()),
    3: (reader, wireType) => readIntegers(reader, wireType, dimensions),
    4: (reader) => parts.push(reader.bytes()),
    5: (reader) => readLayout(reader.bytes(), layout),
  });
  if (elementType === TUPLE) for (const part of parts) readShape(part, into);
  else into.push({ elementType, dimensions, ...layout });
}

function readLayout(bytes: Uint8Array, layout: { minorToMajor: number[]; tile: number[]; memorySpace: number }): void {
  readMessage(bytes, {
    1: (reader, wireType) => readIntegers(reader, wireType, layout.minorToMajor),
    6: (reader) => {
      const tile: number[] = [];
      readMessage(reader.bytes(), { 1: (inner, wireType) => readIntegers(inner, wireType, tile) });
      // Those that follow reorder what is inside the first one.
      if (layout.tile.length === 0) layout.tile = tile;
    },
    8: (reader) => (layout.memorySpace = Number(reader.int64())),
  });
}

/** Bytes of an element by the number of its type; 4-bit types count as a byte. */
const ELEMENT_BYTES: Readonly<Record<number, number>> = {
  1: 1,
  2: 1,
  3: 2,
  4: 4,
  5: 8,
  6: 1,
  7: 2,
  8: 4,
  9: 8,
  10: 2,
  11: 4,
  12: 8,
  15: 8,
  16: 2,
  18: 16,
};

/** Bytes that an array takes, with the padding of its tiles. */
export function bytesOf({ elementType, dimensions, minorToMajor, tile }: HloArray): number {
  const padded = minorToMajor.map((axis, i) => {
    const size = dimensions[axis];
    const unit = i < tile.length ? tile[tile.length - 1 - i] : 1;
    return Math.ceil(size / unit) * unit;
  });
  return padded.reduce((product, size) => product * size, 1) * (ELEMENT_BYTES[elementType] ?? 0);
}
