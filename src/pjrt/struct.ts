import { addressOf, readText, readWords, type Pointer } from './ffi.ts';

/**
 * What a field holds. Each takes one 8-byte word, except `text`, `handles` and `int64s`: a pointer and a count, in two.
 */
export type Kind = 'pointer' | 'size' | 'int' | 'int64' | 'bool' | 'text' | 'handles' | 'int64s';

type Directed = Kind | `out ${Kind}` | `inout ${Kind}`;

/** A field the caller sets, one the plugin sets (`out`) or both (`inout`), and the API's minor version that appended it. */
export type Field = Directed | readonly [field: Directed, since: number];

/** The fields of a C struct behind `struct_size` and `extension_start`, in the header's order. */
export type Fields = Readonly<Record<string, Field>>;

interface InTypes {
  /** An address, or memory or a struct whose address is taken and which is kept alive. */
  pointer: Pointer | ArrayBufferView | Addressed;
  size: number;
  int: number;
  int64: number;
  bool: boolean;
  text: string | Uint8Array;
  handles: readonly Pointer[];
  int64s: readonly number[];
}

/** Something with an address, with all that must live for as long as the address is in use. */
export interface Addressed {
  readonly address: Pointer;
  readonly alive: readonly unknown[];
}

interface OutTypes {
  pointer: Pointer;
  size: number;
  int: number;
  int64: number;
  bool: boolean;
  text: string;
  handles: Pointer[];
  int64s: number[];
}

type DirectedOf<F extends Field> = F extends readonly [infer D, number] ? D : F;
type KindOf<F extends Field> = DirectedOf<F> extends `${string} ${infer K extends Kind}` ? K : DirectedOf<F> & Kind;
type InKeys<F extends Fields> = {
  [K in keyof F]: DirectedOf<F[K]> extends Kind | `inout ${Kind}` ? K : never;
}[keyof F];
type OutKeys<F extends Fields> = {
  [K in keyof F]: DirectedOf<F[K]> extends `${'out' | 'inout'} ${Kind}` ? K : never;
}[keyof F];

/** The values a caller may set; those left out are zero. */
export type In<F extends Fields> = { readonly [K in InKeys<F>]?: InTypes[KindOf<F[K]>] };

/** The values the plugin set. A field newer than the plugin reads as zero. */
export type Out<F extends Fields> = { [K in OutKeys<F>]: OutTypes[KindOf<F[K]>] };

interface PlannedField {
  readonly name: string;
  readonly kind: Kind;
  readonly word: number;
  readonly since: number;
}

/** `struct_size` and `extension_start`. */
const HEADER_WORDS = 2;
/** Zeros after the last field for plugins newer than our table: a field appended to the C API means nothing when zero. */
const SPARE_WORDS = 16;
/** The newest API version that `functions.ts` was checked against. */
const NEWEST_KNOWN_MINOR = 113;

const WORDS: Readonly<Record<Kind, number>> = {
  pointer: 1,
  size: 1,
  int: 1,
  int64: 1,
  bool: 1,
  text: 2,
  handles: 2,
  int64s: 2,
};

/** Where each field of a struct lies. */
export class StructType<F extends Fields> {
  readonly ins: readonly PlannedField[];
  readonly outs: readonly PlannedField[];
  readonly #appended: readonly PlannedField[];
  readonly #words: number;

  constructor(fields: F) {
    const ins: PlannedField[] = [];
    const outs: PlannedField[] = [];
    const appended: PlannedField[] = [];
    let word = HEADER_WORDS;
    for (const [name, field] of Object.entries(fields)) {
      const [directed, since] = typeof field === 'string' ? [field, 0] : field;
      const [kind, direction] = directed.split(' ').toReversed() as [Kind, string | undefined];
      const planned = { name, kind, word, since };
      if (direction !== 'out') ins.push(planned);
      if (direction !== undefined) outs.push(planned);
      if (since > 0) appended.push(planned);
      word += WORDS[kind];
    }
    this.ins = ins;
    this.outs = outs;
    this.#appended = appended;
    this.#words = word;
  }

  /**
   * The value of `struct_size` that a plugin of this version expects, in words. Plugins refuse a struct that is smaller
   * than the one they were built with, and ignore what lies behind it.
   */
  sizeFor(minor: number): number {
    if (minor > NEWEST_KNOWN_MINOR) return this.#words + SPARE_WORDS;
    const missing = this.#appended.find(({ since }) => since > minor);
    return missing?.word ?? this.#words;
  }

  /** A new struct for a plugin of this version, all zero. */
  create(minor: number): Struct<F> {
    return new Struct(this, this.#words + SPARE_WORDS, this.sizeFor(minor));
  }
}

/** A struct in memory of ours, with what its pointers point to. */
export class Struct<F extends Fields> implements Addressed {
  readonly #type: StructType<F>;
  readonly #words: BigUint64Array;
  readonly #size: bigint;
  readonly address: Pointer;
  /** Everything that must live for as long as the struct is in use. */
  readonly alive: unknown[];

  constructor(type: StructType<F>, words: number, sizeInWords: number) {
    this.#type = type;
    this.#words = new BigUint64Array(words);
    this.#size = BigInt(sizeInWords * 8);
    this.address = addressOf(this.#words);
    this.alive = [this.#words];
  }

  /** Sets every field, those without a value to zero. It is called for every buffer of every step: no iterators here. */
  write(values: In<F>): this {
    const words = this.#words;
    words.fill(0n);
    words[0] = this.#size;
    this.alive.length = 1;
    const { ins } = this.#type;
    for (let i = 0; i < ins.length; i++) {
      const { name, kind, word } = ins[i];
      const value = (values as Readonly<Record<string, unknown>>)[name];
      if (typeof value === 'bigint') words[word] = value;
      else if (value !== undefined) this.#writeField(kind, word, value);
    }
    return this;
  }

  #writeField(kind: Kind, word: number, value: unknown): void {
    const words = this.#words;
    switch (kind) {
      case 'pointer':
        words[word] = this.#hold(value as ArrayBufferView | Addressed);
        return;
      case 'bool':
        words[word] = value === true ? 1n : 0n;
        return;
      case 'size':
      case 'int64':
        words[word] = BigInt.asUintN(64, BigInt(value as number));
        return;
      case 'int':
        words[word] = BigInt.asUintN(32, BigInt(value as number));
        return;
      case 'text': {
        const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : (value as Uint8Array);
        words[word] = this.#hold(bytes);
        words[word + 1] = BigInt(bytes.byteLength);
        return;
      }
      case 'handles':
      case 'int64s': {
        const list = BigInt64Array.from(value as readonly (number | bigint)[], BigInt);
        words[word] = this.#hold(list);
        words[word + 1] = BigInt(list.length);
        return;
      }
      default:
        kind satisfies never;
    }
  }

  #hold(memory: ArrayBufferView | Addressed): Pointer {
    this.alive.push(memory);
    return ArrayBuffer.isView(memory) ? addressOf(memory) : memory.address;
  }

  /** Copies out what the plugin wrote. */
  read(): Out<F> {
    const out: Record<string, unknown> = {};
    const { outs } = this.#type;
    for (let i = 0; i < outs.length; i++) out[outs[i].name] = this.#readField(outs[i].kind, outs[i].word);
    return out as Out<F>;
  }

  #readField(kind: Kind, word: number): OutTypes[Kind] {
    const value = this.#words[word];
    switch (kind) {
      case 'pointer':
        return value;
      case 'bool':
        return (value & 0xffn) !== 0n;
      case 'size':
        return Number(value);
      case 'int64':
        return Number(BigInt.asIntN(64, value));
      case 'int':
        return Number(BigInt.asIntN(32, value));
      case 'text':
        return readText(value, Number(this.#words[word + 1]));
      case 'handles':
        return [...readWords(value, Number(this.#words[word + 1]))];
      case 'int64s':
        return Array.from(readWords(value, Number(this.#words[word + 1])), (x) => Number(BigInt.asIntN(64, x)));
      default:
        return kind satisfies never;
    }
  }
}
