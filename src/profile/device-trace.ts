import { readMessage } from '../base/index.ts';

/*
 * Field numbers of `tsl/profiler/protobuf/xplane.proto`; those of a protobuf never change.
 */

/** What ran on a device, once: a kernel of a GPU, an op of a TPU, a copy. */
export interface TracedKernel {
  /** As the device's driver or compiler calls it. */
  readonly name: string;
  /** The instruction of the compiled program that it ran for; undefined for what runs for none. */
  readonly instruction: string | undefined;
  readonly seconds: number;
}

/** The line of a TPU's plane that has its ops one after the other; the others hold them again, by step and by module. */
const TPU_LINE = 'XLA Ops';
/** The statistic of an event that names its instruction. */
const INSTRUCTION = 'hlo_op';

interface Metadata {
  readonly name: string;
  readonly displayName: string;
  readonly stats: readonly Stat[];
}

interface Stat {
  readonly id: number;
  readonly text: string | undefined;
  /** The statistic's name in whose metadata the text stands. */
  readonly reference: number | undefined;
}

interface Event {
  readonly metadata: number;
  readonly picoseconds: number;
  readonly stats: readonly Stat[];
}

interface Line {
  readonly name: string;
  readonly events: readonly Event[];
}

interface Plane {
  readonly name: string;
  readonly lines: readonly Line[];
  readonly events: ReadonlyMap<number, Metadata>;
  readonly stats: ReadonlyMap<number, string>;
}

/** What ran on the devices, of an `XSpace` that a plugin's profiler gave; nothing of the host. */
export function readDeviceTrace(space: Uint8Array): TracedKernel[] {
  const planes: Plane[] = [];
  readMessage(space, { 1: (reader) => planes.push(readPlane(reader.bytes())) });
  return planes.filter(({ name }) => /^\/device:(?:GPU|TPU)/.test(name)).flatMap(kernelsOf);
}

function kernelsOf({ lines, events, stats }: Plane): TracedKernel[] {
  const textOf = ({ text, reference }: Stat): string | undefined =>
    text ?? (reference === undefined ? undefined : stats.get(reference));
  const byOp = lines.filter(({ name }) => name === TPU_LINE);
  return (byOp.length > 0 ? byOp : lines).flatMap((line) =>
    line.events.map((event) => {
      const known = events.get(event.metadata);
      const stat = [...event.stats, ...(known?.stats ?? [])].find(({ id }) => stats.get(id) === INSTRUCTION);
      const name = known?.displayName === '' ? known.name : (known?.displayName ?? '');
      const instruction = stat === undefined ? undefined : textOf(stat);
      // A TPU's op is called as its instruction is.
      return { name, instruction: instruction ?? (byOp.length > 0 ? name : undefined), seconds: event.picoseconds / 1e12 }; // prettier-ignore
    }),
  );
}

function readPlane(bytes: Uint8Array): Plane {
  let name = '';
  const lines: Line[] = [];
  const events = new Map<number, Metadata>();
  const stats = new Map<number, string>();
  readMessage(bytes, {
    2: (reader) => void (name = reader.string()),
    3: (reader) => lines.push(readLine(reader.bytes())),
    4: (reader) => readEntry(reader.bytes(), (key, value) => events.set(key, readEventMetadata(value))),
    5: (reader) => readEntry(reader.bytes(), (key, value) => stats.set(key, readName(value))),
  });
  return { name, lines, events, stats };
}

/** An entry of a map from numbers to messages. */
function readEntry(bytes: Uint8Array, take: (key: number, value: Uint8Array) => void): void {
  let key = 0;
  let value: Uint8Array = new Uint8Array();
  readMessage(bytes, {
    1: (reader) => void (key = Number(reader.int64())),
    2: (reader) => void (value = reader.bytes()),
  });
  take(key, value);
}

function readLine(bytes: Uint8Array): Line {
  let name = '';
  let displayName = '';
  const events: Event[] = [];
  readMessage(bytes, {
    2: (reader) => void (name = reader.string()),
    4: (reader) => events.push(readEvent(reader.bytes())),
    11: (reader) => void (displayName = reader.string()),
  });
  return { name: displayName === '' ? name : displayName, events };
}

function readEvent(bytes: Uint8Array): Event {
  let metadata = 0;
  let picoseconds = 0;
  const stats: Stat[] = [];
  readMessage(bytes, {
    1: (reader) => void (metadata = Number(reader.int64())),
    3: (reader) => void (picoseconds = Number(reader.int64())),
    4: (reader) => stats.push(readStat(reader.bytes())),
  });
  return { metadata, picoseconds, stats };
}

function readEventMetadata(bytes: Uint8Array): Metadata {
  let name = '';
  let displayName = '';
  const stats: Stat[] = [];
  readMessage(bytes, {
    2: (reader) => void (name = reader.string()),
    4: (reader) => void (displayName = reader.string()),
    5: (reader) => stats.push(readStat(reader.bytes())),
  });
  return { name, displayName, stats };
}

function readStat(bytes: Uint8Array): Stat {
  let id = 0;
  let text: string | undefined;
  let reference: number | undefined;
  readMessage(bytes, {
    1: (reader) => void (id = Number(reader.int64())),
    5: (reader) => void (text = reader.string()),
    7: (reader) => void (reference = Number(reader.uint64())),
  });
  return { id, text, reference };
}

function readName(bytes: Uint8Array): string {
  let name = '';
  readMessage(bytes, { 2: (reader) => void (name = reader.string()) });
  return name;
}
