import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/** What is done with the fields of a message, by their numbers; each takes its field's content from the reader. */
export type FieldReaders = Readonly<Record<number, (reader: BinaryReader, wireType: WireType) => void>>;

/** Reads a message of which no schema is at hand, leaving out the fields that nobody asks for. */
export function readMessage(bytes: Uint8Array, fields: FieldReaders): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field in fields) fields[field](reader, wireType);
    else reader.skip(wireType, field);
  }
}

/** A repeated integer, packed or not. */
export function readIntegers(reader: BinaryReader, wireType: WireType, into: number[]): void {
  if (wireType !== WireType.LengthDelimited) {
    into.push(Number(reader.int64()));
    return;
  }
  const end = reader.uint32() + reader.pos;
  while (reader.pos < end) into.push(Number(reader.int64()));
}

/** Gives each field of a message as it is written, tag and all, and its content where that is bytes. */
export function eachField(
  message: Uint8Array,
  visit: (number: number, field: Uint8Array, content: Uint8Array | undefined) => void,
): void {
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [number, wireType] = reader.tag();
    let content: Uint8Array | undefined;
    if (wireType === WireType.LengthDelimited) content = reader.bytes();
    else reader.skip(wireType, number);
    visit(number, message.subarray(start, reader.pos), content);
  }
}

/** A message with the contents of one field changed, or the field left out; all others stay as they are, byte for byte. */
export function editField(
  message: Uint8Array,
  edited: number,
  edit: (content: Uint8Array) => Uint8Array | undefined,
): Uint8Array {
  const writer = new BinaryWriter();
  eachField(message, (number, field, content) => {
    if (number !== edited || content === undefined) {
      writer.raw(field);
      return;
    }
    const changed = edit(content);
    if (changed !== undefined) writer.tag(number, WireType.LengthDelimited).bytes(changed);
  });
  return writer.finish();
}
