import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';

/*
 * Field numbers of `xla/service/hlo.proto` and `xla/xla_data.proto` of openxla/xla; those of a protobuf never change.
 */

/** One field of a message, unread: bytes where it is length-delimited, else its number. */
export interface Field {
  readonly number: number;
  readonly bytes?: Uint8Array;
  readonly value?: bigint;
}

/** The fields of a message; those of fixed width are left out, as nothing here needs them. */
export function fieldsOf(message: Uint8Array): Field[] {
  const reader = new BinaryReader(message);
  const fields: Field[] = [];
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    if (wireType === WireType.LengthDelimited) fields.push({ number, bytes: reader.bytes() });
    else if (wireType === WireType.Varint) fields.push({ number, value: BigInt(reader.int64()) });
    else reader.skip(wireType, number);
  }
  return fields;
}

const bytesAt = (fields: readonly Field[], number: number): Uint8Array =>
  fields.find((field) => field.number === number)?.bytes ?? new Uint8Array();
const textAt = (fields: readonly Field[], number: number): string => new TextDecoder().decode(bytesAt(fields, number));
const valueAt = (fields: readonly Field[], number: number): bigint =>
  fields.find((field) => field.number === number)?.value ?? 0n;

/** A repeated integer, packed or not. */
function valuesAt(fields: readonly Field[], number: number): bigint[] {
  return fields.flatMap((field) => {
    if (field.number !== number) return [];
    if (field.value !== undefined) return [field.value];
    const reader = new BinaryReader(field.bytes ?? new Uint8Array());
    const values: bigint[] = [];
    while (reader.pos < reader.len) values.push(BigInt(reader.int64()));
    return values;
  });
}

/** One instruction of a compiled program, with the message that it was read from. */
export interface Instruction {
  readonly message: Uint8Array;
  readonly id: bigint;
  readonly name: string;
  readonly opcode: string;
  /** What a custom call calls. */
  readonly target: string;
  /** A serialised `ShapeProto`. */
  readonly shape: Uint8Array;
  readonly operands: readonly bigint[];
  /** Computations that it runs. */
  readonly called: readonly bigint[];
  /** The layer that it came from. */
  readonly layer: string;
}

export interface Computation {
  readonly message: Uint8Array;
  readonly instructions: readonly Instruction[];
}

/** What the compiler made of a program: computations by id, in the order in which each follows those that it runs. */
export interface CompiledProgram {
  readonly entryId: bigint;
  readonly computations: ReadonlyMap<bigint, Computation>;
}

/** Reads an optimised program in the format `hlo_with_config` or `hlo`. */
export function readCompiledProgram(format: string, code: Uint8Array): CompiledProgram {
  const module = fieldsOf(format === 'hlo_with_config' ? bytesAt(fieldsOf(code), 1) : code);
  const computations = new Map<bigint, Computation>();
  for (const { number, bytes } of module) {
    if (number !== 3 || bytes === undefined) continue;
    const fields = fieldsOf(bytes);
    const instructions = fields.flatMap((field) =>
      field.number === 2 && field.bytes !== undefined ? [readInstruction(field.bytes)] : [],
    );
    computations.set(valueAt(fields, 5), { message: bytes, instructions });
  }
  return { entryId: valueAt(module, 6), computations };
}

function readInstruction(message: Uint8Array): Instruction {
  const fields = fieldsOf(message);
  return {
    message,
    id: valueAt(fields, 35),
    name: textAt(fields, 1),
    opcode: textAt(fields, 2),
    target: textAt(fields, 28),
    shape: bytesAt(fields, 3),
    operands: valuesAt(fields, 36),
    called: valuesAt(fields, 38),
    layer: textAt(fieldsOf(bytesAt(fields, 7)), 2),
  };
}

/** Element type (XLA's number) and dimensions of an array. */
export function readShape(shape: Uint8Array): { readonly elementType: number; readonly dimensions: readonly number[] } {
  const fields = fieldsOf(shape);
  return { elementType: Number(valueAt(fields, 2)), dimensions: valuesAt(fields, 3).map(Number) };
}
