import { addressOf, readBytes, readText, readWords, type Pointer } from './ffi.ts';
import type { Addressed } from './struct.ts';

/** A value of an attribute or of a cost that a plugin reports. */
export type NamedValue = string | number | bigint | boolean | readonly bigint[];

/**
 * A value of an option for a plugin. An integer becomes an int64 and any other number a float; `{ float: 1 }` is a float
 * that happens to be whole. A plugin may end the process when an option has another type than it expects.
 */
export type OptionValue = string | number | bigint | boolean | readonly number[] | { readonly float: number };

/** Options of a plugin by their names. */
export type Options = Readonly<Record<string, OptionValue>>;

/** Words of a `PJRT_NamedValue`. */
const WORDS = 7;
const SIZE = 0;
const NAME = 2;
const NAME_SIZE = 3;
const TYPE = 4;
const VALUE = 5;
const VALUE_SIZE = 6;

const STRING = 0;
const INT64 = 1;
const INT64_LIST = 2;
const FLOAT = 3;
const BOOL = 4;

/** Options as a C array. */
export function encodeOptions(options: Options): Addressed & { readonly count: number } {
  const entries = Object.entries(options);
  const memory = new BigUint64Array(entries.length * WORDS);
  const alive: ArrayBufferView[] = [memory];
  const hold = (view: ArrayBufferView): Pointer => {
    alive.push(view);
    return addressOf(view);
  };
  for (const [i, [name, value]] of entries.entries()) {
    const words = memory.subarray(i * WORDS, (i + 1) * WORDS);
    const nameBytes = new TextEncoder().encode(name);
    words[SIZE] = BigInt(WORDS * 8);
    words[NAME] = hold(nameBytes);
    words[NAME_SIZE] = BigInt(nameBytes.length);
    words[VALUE_SIZE] = 1n;
    if (typeof value === 'string') {
      const bytes = new TextEncoder().encode(value);
      words[TYPE] = BigInt(STRING);
      words[VALUE] = hold(bytes);
      words[VALUE_SIZE] = BigInt(bytes.length);
    } else if (typeof value === 'boolean') {
      words[TYPE] = BigInt(BOOL);
      words[VALUE] = value ? 1n : 0n;
    } else if (typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value))) {
      words[TYPE] = BigInt(INT64);
      words[VALUE] = BigInt.asUintN(64, BigInt(value));
    } else if (typeof value === 'number' || 'float' in value) {
      const float = typeof value === 'number' ? value : value.float;
      words[TYPE] = BigInt(FLOAT);
      words[VALUE] = BigInt(new Uint32Array(Float32Array.of(float).buffer)[0]);
    } else {
      const list = BigInt64Array.from(value, BigInt);
      words[TYPE] = BigInt(INT64_LIST);
      words[VALUE] = hold(list);
      words[VALUE_SIZE] = BigInt(list.length);
    }
  }
  return { address: addressOf(memory), count: entries.length, alive };
}

/** Reads a C array of named values. */
export function readNamedValues(address: Pointer, count: number): Record<string, NamedValue> {
  const values: Record<string, NamedValue> = {};
  let at = address;
  for (let i = 0; i < count; i++) {
    const words = readWords(at, WORDS);
    values[readText(words[NAME], Number(words[NAME_SIZE]))] = readValue(words);
    // The plugin's own struct may have grown since; its size is the distance to the next one.
    at += words[SIZE];
  }
  return values;
}

function readValue(words: BigUint64Array): NamedValue {
  const value = words[VALUE];
  const size = Number(words[VALUE_SIZE]);
  switch (Number(words[TYPE] & 0xffffffffn)) {
    case STRING:
      return readText(value, size);
    case INT64:
      return BigInt.asIntN(64, value);
    case INT64_LIST:
      return [...new BigInt64Array(readBytes(value, size * 8).buffer)];
    case FLOAT:
      return new Float32Array(Uint32Array.of(Number(value & 0xffffffffn)).buffer)[0];
    default:
      return (value & 0xffn) !== 0n;
  }
}
