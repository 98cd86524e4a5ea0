import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';

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
