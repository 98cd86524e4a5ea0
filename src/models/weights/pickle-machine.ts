import { PickleClass, type PickleValue, type PickleWorld } from './pickle-value.ts';
import { WeightsError } from './weights-error.ts';

/** Marks where the items of a tuple, list or dict begin on the stack. */
const MARK = Symbol('mark');
type StackItem = PickleValue | typeof MARK;

/** More values waiting on the stack than any file of tensors has. */
const STACK_LIMIT = 1_000_000;

/** Bytes of an integer; longer ones only cost time. */
const INTEGER_LIMIT = 64;

const decoder = new TextDecoder('utf-8', { fatal: true });

/** A plain number where it is one. */
export const narrow = (value: bigint): number | bigint =>
  value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;

/** The stack, the memo and the bytes of a pickle that is being read, with what instructions may do to them. */
export class PickleMachine {
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

  /** The next instruction's byte. */
  step(): number {
    if (this.#stack.length > STACK_LIMIT) throw this.corrupt('its stack grows too high');
    return this.#take(1)[0];
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

  pop(): PickleValue {
    const value = this.#stack.pop();
    if (value === undefined || value === MARK) throw this.corrupt('it takes more from its stack than there is');
    return value;
  }

  popText(): string {
    const value = this.pop();
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
    const items = Array.from({ length: count }, () => this.pop());
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
    this.pop();
    if (!(this.peek() instanceof Map)) throw this.corrupt('it sets attributes of what is no dict');
  }

  persistent(): void {
    this.push(this.#world.persistent(this.pop()));
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
