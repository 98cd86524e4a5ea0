import type { Random } from '../../src/base/index.ts';

/** Integers at which sizes, offsets and counts go wrong. */
const EDGES = [0, 1, 2, 7, 8, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x1_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]; // prettier-ignore

type Change = (bytes: Buffer, random: Random, others: readonly Uint8Array[]) => Buffer;

const place = (bytes: Buffer, random: Random) => random.integer(bytes.length + 1);
const cut = (bytes: Buffer, random: Random): readonly [number, number] => {
  const start = place(bytes, random);
  return [start, Math.min(bytes.length, start + 1 + random.integer(64))];
};
const pick = <T>(items: readonly T[], random: Random): T => items[random.integer(items.length)];

const flipBit: Change = (bytes, random) => {
  if (bytes.length > 0) bytes[random.integer(bytes.length)] ^= 1 << random.integer(8);
  return bytes;
};

const setByte: Change = (bytes, random) => {
  if (bytes.length > 0) bytes[random.integer(bytes.length)] = random.integer(256);
  return bytes;
};

const setInteger: Change = (bytes, random) => {
  const size = pick([1, 2, 4], random);
  if (bytes.length < size) return bytes;
  const at = random.integer(bytes.length - size + 1);
  const value = pick(EDGES, random) % 2 ** (8 * size);
  if (random.integer(2) === 0) bytes.writeUIntLE(value, at, size);
  else bytes.writeUIntBE(value, at, size);
  return bytes;
};

const cutOff: Change = (bytes, random) => bytes.subarray(0, place(bytes, random));

const leaveOut: Change = (bytes, random) => {
  const [start, end] = cut(bytes, random);
  return Buffer.concat([bytes.subarray(0, start), bytes.subarray(end)]);
};

const repeat: Change = (bytes, random) => {
  const [start, end] = cut(bytes, random);
  const part = bytes.subarray(start, end);
  const times = 1 + random.integer(8);
  return Buffer.concat([bytes.subarray(0, end), ...Array.from({ length: times }, () => part), bytes.subarray(end)]);
};

const insert: Change = (bytes, random) => {
  const at = place(bytes, random);
  const noise = Buffer.from(Uint8Array.from({ length: 1 + random.integer(16) }, () => random.integer(256)));
  return Buffer.concat([bytes.subarray(0, at), noise, bytes.subarray(at)]);
};

/** The beginning of this one and the end of another one. */
const splice: Change = (bytes, random, others) => {
  const other = pick(others, random);
  return Buffer.concat([bytes.subarray(0, place(bytes, random)), other.subarray(random.integer(other.length + 1))]);
};

const CHANGES = [flipBit, flipBit, setByte, setByte, setInteger, setInteger, cutOff, leaveOut, repeat, insert, splice];

/** One of `seeds` with a few changes that damage files as disks, networks and attackers do. */
export function mutate(seeds: readonly Uint8Array[], random: Random): Buffer {
  let bytes: Buffer = Buffer.from(pick(seeds, random));
  const changes = 1 + random.integer(random.integer(4) === 0 ? 12 : 3);
  for (let i = 0; i < changes; i++) bytes = pick(CHANGES, random)(bytes, random, seeds);
  return bytes;
}

/** As `mutate`, and now and then puts in one of `words` that mean something in the format. */
export function mutateText(seeds: readonly string[], words: readonly string[], random: Random): Buffer {
  let text = pick(seeds, random);
  const changes = 1 + random.integer(4);
  for (let i = 0; i < changes; i++) {
    const at = random.integer(text.length + 1);
    const end = at + random.integer(12);
    text = `${text.slice(0, at)}${pick(words, random)}${text.slice(end)}`;
  }
  return random.integer(3) === 0 ? mutate([Buffer.from(text)], random) : Buffer.from(text);
}
