import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { eachField, editField, readIntegers, readMessage } from '../../base/index.ts';

/*
 * Field numbers of `xla/service/cpu/executable.proto` and `xla/backends/cpu/runtime/thunk.proto` of openxla/xla; those of a protobuf
 * never change.
 */
const EXECUTABLE = 1;
const SEQUENCE = 6;
const THUNKS = 1;
const RESOURCES = 2;
const RESOURCE = { thunks: 1 } as const;
const THUNK = { kind: 1, info: 2, call: 3 } as const;
const INFO = { name: 1 } as const;
const CALL = { sequence: 1 } as const;

/** Thunks in a part. From 64 to 512 a DenseNet121's step loads equally fast and takes equally long. */
const PART = 256;

/**
 * A serialised program of XLA's CPU client whose sequence of thunks (kernels, products, copies, loops) is in parts, each a call.
 *
 * When a program is loaded, XLA asks of each two thunks of a sequence whether one has to wait for the other, and then follows every
 * way through the graph that comes of it: of 3,800 thunks, half of the time that loading takes. A part knows its own thunks alone. It waits for
 * the part before it, so of two thunks of different parts none runs beside the other.
 *
 * @returns the bytes as they are where they have few thunks.
 * @throws where they are no protobuf.
 */
export function inParts(serialized: Uint8Array): Uint8Array {
  return editField(serialized, EXECUTABLE, (executable) => editField(executable, SEQUENCE, sequenceInParts));
}

function sequenceInParts(sequence: Uint8Array): Uint8Array {
  const thunks: Uint8Array[] = [];
  const resources: Uint8Array[] = [];
  eachField(sequence, (number, field, content) => {
    if (number === THUNKS) thunks.push(field);
    else if (number === RESOURCES && content !== undefined) resources.push(content);
  });
  if (thunks.length <= 2 * PART) return sequence;
  const { entries, places } = grouped(thunks, new Set(resources.flatMap(thunksOf)));
  const writer = new BinaryWriter();
  entries.forEach((group, i) => writer.raw(group.length === 1 ? group[0] : call(group, `part.${i}`)));
  for (const resource of resources) {
    writer.tag(RESOURCES, WireType.LengthDelimited).bytes(withThunks(resource, places));
  }
  return writer.finish();
}

/**
 * Thunks in groups. Those that share a resource, such as collectives, stand alone, as they may only be told to wait for each other within
 * one sequence.
 *
 * @returns the place of each of these among the groups, too.
 */
function grouped(thunks: readonly Uint8Array[], alone: ReadonlySet<number>) {
  const entries: Uint8Array[][] = [];
  const places = new Map<number, number>();
  let group: Uint8Array[] = [];
  const close = (): void => {
    if (group.length > 0) entries.push(group);
    group = [];
  };
  for (const [i, thunk] of thunks.entries()) {
    if (alone.has(i)) {
      close();
      places.set(i, entries.length);
      entries.push([thunk]);
      continue;
    }
    group.push(thunk);
    if (group.length === PART) close();
  }
  close();
  return { entries, places };
}

function call(thunks: readonly Uint8Array[], name: string): Uint8Array {
  const sequence = new BinaryWriter();
  for (const thunk of thunks) sequence.raw(thunk);
  const called = new BinaryWriter().tag(CALL.sequence, WireType.LengthDelimited).bytes(sequence.finish());
  const info = new BinaryWriter().tag(INFO.name, WireType.LengthDelimited).string(name);
  const thunk = new BinaryWriter()
    .tag(THUNK.kind, WireType.LengthDelimited)
    .string('call')
    .tag(THUNK.info, WireType.LengthDelimited)
    .bytes(info.finish())
    .tag(THUNK.call, WireType.LengthDelimited)
    .bytes(called.finish());
  return new BinaryWriter().tag(THUNKS, WireType.LengthDelimited).bytes(thunk.finish()).finish();
}

function thunksOf(resource: Uint8Array): number[] {
  const thunks: number[] = [];
  readMessage(resource, { [RESOURCE.thunks]: (reader, wireType) => readIntegers(reader, wireType, thunks) });
  return thunks;
}

function withThunks(resource: Uint8Array, places: ReadonlyMap<number, number>): Uint8Array {
  const writer = new BinaryWriter().tag(RESOURCE.thunks, WireType.LengthDelimited).fork();
  for (const thunk of thunksOf(resource)) writer.int64(places.get(thunk) ?? thunk);
  writer.join();
  eachField(resource, (number, field) => {
    if (number !== RESOURCE.thunks) writer.raw(field);
  });
  return writer.finish();
}
