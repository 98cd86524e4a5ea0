import { WeightsError } from './weights-error.ts';

/** What a pickle may hold here; lists and tuples are arrays, dicts are maps. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleClass
  | PickleObject
  | readonly PickleValue[]
  | Map<PickleValue, PickleValue>;

/** Base of what the calls of a pickle's classes give. */
export abstract class PickleObject {
  abstract readonly kind: string;
}

/** A class or function that a pickle may name. */
export class PickleClass {
  readonly name: string;
  readonly call: ((args: readonly PickleValue[]) => PickleValue) | undefined;

  /** `call` gives what calling it gives; without one it may only be named. */
  constructor(name: string, call?: (args: readonly PickleValue[]) => PickleValue) {
    this.name = name;
    this.call = call;
  }
}

/** All that a pickle may refer to outside itself. */
export interface PickleWorld {
  /** By `module.name`. */
  readonly classes: ReadonlyMap<string, PickleClass>;
  persistent(id: PickleValue): PickleValue;
}

/** Marks where the items of a tuple, list or dict begin on the stack. */
const MARK = Symbol('mark');
type StackItem = PickleValue | typeof MARK;

/** More values waiting on the stack than any file of tensors has. */
const STACK_LIMIT = 1_000_000;

/** Bytes of an integer; longer ones only cost time. */
const INTEGER_LIMIT = 64;

const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads one pickle, from `start` on, and runs nothing.
 *
 * A pickle is a program for a stack machine that may name any Python function and call it. This machine knows the
 * instructions that build plain values; whatever it names must be in `world`, or it is refused with its name before
 * anything else happens (PEP 307, PEP 3154; `pickletools.py` describes every instruction).
 *
 * @throws WeightsError `WEIGHTS_UNSAFE` for what is not in the world, `WEIGHTS_CORRUPT` for what is no pickle.
 */
export function readPickle(
  bytes: Buffer,
  start: number,
  world: PickleWorld,
  place: string,
): { readonly value: PickleValue; readonly end: number } {
  const machine = new PickleMachine(bytes, start, world, place);
  return { value: machine.run(), end: machine.position };
}

class PickleMachine {
  position: number;
  readonly #bytes: Buffer;
  readonly #world: PickleWorld;
  readonly #place: string;
  readonly #stack: StackItem[] = [];
  readonly #memo = new Map<number, PickleValue>();

  constructor(bytes: Buffer, start: number, world: PickleWorld, place: string) {
    this.#bytes = bytes;
    this.position = start;
    this.#world = world;
    this.#place = place;
  }

  run(): PickleValue {
    for (;;) {
      const code = this.#take(1)[0];
      if (code === STOP) return this.#pop();
      const instruction = INSTRUCTIONS.get(code);
      if (instruction === undefined) {
        const shown = code > 0x20 && code < 0x7f ? ` ("${String.fromCharCode(code)}")` : '';
        throw this.corrupt(`instruction 0x${code.toString(16).padStart(2, '0')}${shown} builds no plain value`);
      }
      instruction(this);
      if (this.#stack.length > STACK_LIMIT) throw this.corrupt('its stack grows too high');
    }
  }

  /** The next bytes of the program. */
  #take(length: number): Buffer {
    const end = this.position + length;
    if (end > this.#bytes.length) throw this.corrupt('it is cut off');
    const taken = this.#bytes.subarray(this.position, end);
    this.position = end;
    return taken;
  }

  unsigned(size: 1 | 2 | 4): number {
    return this.#take(size).readUIntLE(0, size);
  }

  length8(): number {
    const length = this.#take(8).readBigUInt64LE();
    if (length > BigInt(this.#bytes.length)) throw this.corrupt('it is cut off');
    return Number(length);
  }

  int32(): number {
    return this.#take(4).readInt32LE();
  }

  double(): number {
    return this.#take(8).readDoubleBE();
  }

  text(length: number): string {
    try {
      return decoder.decode(this.#take(length));
    } catch (cause) {
      if (cause instanceof WeightsError) throw cause;
      throw this.corrupt('a text in it is no UTF-8');
    }
  }

  /** Old texts, in bytes of their own. */
  latin1(length: number): string {
    return this.#take(length).toString('latin1');
  }

  binary(length: number): Uint8Array {
    return Uint8Array.from(this.#take(length));
  }

  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.position);
    if (end === -1) throw this.corrupt('it is cut off');
    const line = this.text(end - this.position);
    this.position = end + 1;
    return line;
  }

  /** Two's complement, little-endian. */
  integer(length: number): number | bigint {
    if (length > INTEGER_LIMIT) throw this.corrupt(`an integer of ${length} bytes`);
    const hex = Buffer.from(this.#take(length).toReversed()).toString('hex');
    return narrow(BigInt.asIntN(8 * length, BigInt(`0x${hex || '0'}`)));
  }

  push(value: StackItem): void {
    this.#stack.push(value);
  }

  #pop(): PickleValue {
    const value = this.#stack.pop();
    if (value === undefined || value === MARK) throw this.corrupt('it takes more from its stack than there is');
    return value;
  }

  pop(): PickleValue {
    return this.#pop();
  }

  popText(): string {
    const value = this.#pop();
    if (typeof value !== 'string') throw this.corrupt('a name in it is no text');
    return value;
  }

  discard(): void {
    if (this.#stack.pop() === undefined) throw this.corrupt('it takes more from its stack than there is');
  }

  mark(): void {
    this.push(MARK);
  }

  popToMark(): PickleValue[] {
    const at = this.#stack.lastIndexOf(MARK);
    if (at === -1) throw this.corrupt('a mark is missing');
    const items = this.#stack.splice(at).slice(1);
    return items.filter((item) => item !== MARK);
  }

  popMany(count: number): PickleValue[] {
    const items = Array.from({ length: count }, () => this.#pop());
    return items.toReversed();
  }

  peek(): PickleValue {
    const value = this.#stack.at(-1);
    if (value === undefined || value === MARK) throw this.corrupt('it takes more from its stack than there is');
    return value;
  }

  remember(index = this.#memo.size): void {
    this.#memo.set(index, this.peek());
  }

  recall(index: number): void {
    const value = this.#memo.get(index);
    if (value === undefined) throw this.corrupt(`it recalls value ${index}, which it never had`);
    this.push(value);
  }

  setItems(pairs: readonly PickleValue[]): void {
    const dict = this.peek();
    if (!(dict instanceof Map) || pairs.length % 2 !== 0) throw this.corrupt('it sets items of what is no dict');
    for (let i = 0; i < pairs.length; i += 2) dict.set(pairs[i], pairs[i + 1]);
  }

  append(items: readonly PickleValue[]): void {
    const list = this.peek();
    if (!Array.isArray(list)) throw this.corrupt('it appends to what is no list');
    for (const item of items) list.push(item);
  }

  /** A class or function by name: the one place where a pickle could reach out. */
  find(module: string, name: string): PickleClass {
    const full = `${module}.${name}`;
    const known = this.#world.classes.get(full);
    if (known === undefined) throw this.unsafe(full);
    return known;
  }

  call(callee: PickleValue, args: PickleValue): void {
    if (!(callee instanceof PickleClass)) throw this.corrupt('it calls what is no function');
    if (callee.call === undefined) throw this.unsafe(callee.name);
    if (!Array.isArray(args)) throw this.corrupt(`it calls ${callee.name} without a tuple of arguments`);
    this.push(callee.call(args as readonly PickleValue[]));
  }

  /** `BUILD` sets attributes: those of an ordered dict are of no use, and nothing else may get any. */
  build(): void {
    this.#pop();
    if (!(this.peek() instanceof Map)) throw this.corrupt('it sets attributes of what is no dict');
  }

  persistent(): void {
    this.push(this.#world.persistent(this.#pop()));
  }

  corrupt(what: string): WeightsError {
    return new WeightsError('WEIGHTS_CORRUPT', `${this.#place} is no whole pickle of tensors: ${what}`, {
      received: `byte ${this.position}`,
    });
  }

  unsafe(name: string): WeightsError {
    return new WeightsError(
      'WEIGHTS_UNSAFE',
      `${this.#place} would call ${name}, which builds no tensor; nothing was run`,
      {
        expected: 'tensors, dicts, lists, texts and numbers alone',
        hint: 'if you trust who made it, ask them for model.state_dict() alone, or for safetensors',
      },
    );
  }
}

type Instruction = (machine: PickleMachine) => void;

const STOP = 0x2e;

const narrow = (value: bigint): number | bigint =>
  value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;

/** The text of a number, as protocol 0 has it. */
function parseNumber(machine: PickleMachine, text: string): PickleValue {
  if (text === '00') return false;
  if (text === '01') return true;
  const digits = text.replace(/L$/, '');
  if (!/^-?\d{1,100}$/.test(digits)) throw machine.corrupt('a number in it is none');
  return narrow(BigInt(digits));
}

/** A quoted text of protocol 0; what is escaped in it stays as it is. */
function unquote(machine: PickleMachine, text: string): string {
  const quote = text[0];
  if (text.length < 2 || (quote !== "'" && quote !== '"') || !text.endsWith(quote)) {
    throw machine.corrupt('a text in it has no quotes');
  }
  return text.slice(1, -1);
}

/** Instructions by their byte, with their names in `pickletools.py`. */
const INSTRUCTIONS: ReadonlyMap<number, Instruction> = new Map<number, Instruction>([
  [0x80, (m) => void m.unsigned(1)], // PROTO
  [0x95, (m) => void m.length8()], // FRAME

  [0x4e, (m) => m.push(null)], // NONE
  [0x88, (m) => m.push(true)], // NEWTRUE
  [0x89, (m) => m.push(false)], // NEWFALSE
  [0x4a, (m) => m.push(m.int32())], // BININT
  [0x4b, (m) => m.push(m.unsigned(1))], // BININT1
  [0x4d, (m) => m.push(m.unsigned(2))], // BININT2
  [0x8a, (m) => m.push(m.integer(m.unsigned(1)))], // LONG1
  [0x8b, (m) => m.push(m.integer(m.unsigned(4)))], // LONG4
  [0x47, (m) => m.push(m.double())], // BINFLOAT
  [0x49, (m) => m.push(parseNumber(m, m.line()))], // INT
  [0x4c, (m) => m.push(parseNumber(m, m.line()))], // LONG
  [0x46, (m) => m.push(Number(m.line()))], // FLOAT

  [0x8c, (m) => m.push(m.text(m.unsigned(1)))], // SHORT_BINUNICODE
  [0x58, (m) => m.push(m.text(m.unsigned(4)))], // BINUNICODE
  [0x8d, (m) => m.push(m.text(m.length8()))], // BINUNICODE8
  [0x55, (m) => m.push(m.latin1(m.unsigned(1)))], // SHORT_BINSTRING
  [0x54, (m) => m.push(m.latin1(m.unsigned(4)))], // BINSTRING
  [0x53, (m) => m.push(unquote(m, m.line()))], // STRING
  [0x56, (m) => m.push(m.line())], // UNICODE
  [0x43, (m) => m.push(m.binary(m.unsigned(1)))], // SHORT_BINBYTES
  [0x42, (m) => m.push(m.binary(m.unsigned(4)))], // BINBYTES
  [0x8e, (m) => m.push(m.binary(m.length8()))], // BINBYTES8

  [0x28, (m) => m.mark()], // MARK
  [0x30, (m) => m.discard()], // POP
  [0x31, (m) => void m.popToMark()], // POP_MARK
  [0x32, (m) => m.push(m.peek())], // DUP
  [0x29, (m) => m.push([])], // EMPTY_TUPLE
  [0x5d, (m) => m.push([])], // EMPTY_LIST
  [0x7d, (m) => m.push(new Map())], // EMPTY_DICT
  [0x74, (m) => m.push(m.popToMark())], // TUPLE
  [0x6c, (m) => m.push(m.popToMark())], // LIST
  [0x85, (m) => m.push(m.popMany(1))], // TUPLE1
  [0x86, (m) => m.push(m.popMany(2))], // TUPLE2
  [0x87, (m) => m.push(m.popMany(3))], // TUPLE3
  [0x61, (m) => m.append(m.popMany(1))], // APPEND
  [0x65, (m) => m.append(m.popToMark())], // APPENDS
  [0x73, (m) => m.setItems(m.popMany(2))], // SETITEM
  [0x75, (m) => m.setItems(m.popToMark())], // SETITEMS
  [
    0x64, // DICT
    (m) => {
      const pairs = m.popToMark();
      m.push(new Map());
      m.setItems(pairs);
    },
  ],

  [0x71, (m) => m.remember(m.unsigned(1))], // BINPUT
  [0x72, (m) => m.remember(m.unsigned(4))], // LONG_BINPUT
  [0x70, (m) => m.remember(Number(m.line()))], // PUT
  [0x94, (m) => m.remember()], // MEMOIZE
  [0x68, (m) => m.recall(m.unsigned(1))], // BINGET
  [0x6a, (m) => m.recall(m.unsigned(4))], // LONG_BINGET
  [0x67, (m) => m.recall(Number(m.line()))], // GET

  [0x63, (m) => m.push(m.find(m.line(), m.line()))], // GLOBAL
  [
    0x93, // STACK_GLOBAL
    (m) => {
      const name = m.popText();
      m.push(m.find(m.popText(), name));
    },
  ],
  [
    0x69, // INST: names and calls at once
    (m) => {
      const callee = m.find(m.line(), m.line());
      m.call(callee, m.popToMark());
    },
  ],
  [
    0x52, // REDUCE
    (m) => {
      const args = m.pop();
      m.call(m.pop(), args);
    },
  ],
  [
    0x81, // NEWOBJ
    (m) => {
      const args = m.pop();
      m.call(m.pop(), args);
    },
  ],
  [0x62, (m) => m.build()], // BUILD
  [0x51, (m) => m.persistent()], // BINPERSID
]);
