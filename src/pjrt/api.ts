import { errorCodeName, PjrtError } from './error.ts';
import { nativeFunction, readWords, type NativeFunction, type Pointer } from './ffi.ts';
import { FUNCTIONS, type FieldsOf, type FunctionName } from './functions.ts';
import type { In, Out, Struct } from './struct.ts';

/** `struct_size`, `extension_start`, and a `PJRT_Api_Version` of three words. */
const TABLE_HEADER_WORDS = 5;
const EXTENSION_WORD = 1;
const VERSION_WORD = 4;

interface Bound<N extends FunctionName> {
  readonly native: NativeFunction;
  /** Arguments of calls on this thread, which can't overlap. */
  readonly args: Struct<FieldsOf<N>>;
}

/** A plugin's table of functions: every call to a plugin goes through `call` or `callAsync`. */
export class Api {
  readonly pluginPath: string;
  readonly version: { readonly major: number; readonly minor: number };
  readonly #table: BigUint64Array;
  readonly #bound: { [N in FunctionName]?: Bound<N> } = {};

  /** @param table address of the plugin's `PJRT_Api`. */
  constructor(table: Pointer, pluginPath: string) {
    const [size] = readWords(table, 1);
    this.#table = readWords(table, Number(size / 8n));
    const version = this.#table[VERSION_WORD];
    this.version = { major: Number(BigInt.asIntN(32, version)), minor: Number(BigInt.asIntN(32, version >> 32n)) };
    this.pluginPath = pluginPath;
  }

  /** Whether the plugin has this function. */
  has(name: FunctionName): boolean {
    return this.#address(name) !== 0n;
  }

  /** The address of what hangs on the table under a number of `PJRT_Extension_Type`, if anything does. */
  extension(type: number): Pointer | undefined {
    // Each begins with its size, its type and the next one's address; the type is a C enum.
    for (let address = this.#table[EXTENSION_WORD]; address !== 0n;) {
      const [, found, next] = readWords(address, 3);
      if (Number(BigInt.asIntN(32, found)) === type) return address;
      address = next;
    }
    return undefined;
  }

  /** Calls a function that returns at once. */
  call<N extends FunctionName>(name: N, values: In<FieldsOf<N>>): Out<FieldsOf<N>> {
    const { native, args } = this.#bind(name);
    const error = native.call(args.write(values).address);
    if (error !== 0n) throw this.#takeError(error);
    return args.read();
  }

  /** Calls a function that may take long on a worker thread; the memory in `values`, and `alive`, is held meanwhile. */
  async callAsync<N extends FunctionName>(
    name: N,
    values: In<FieldsOf<N>>,
    alive: readonly unknown[] = [],
  ): Promise<Out<FieldsOf<N>>> {
    const { native } = this.#bind(name);
    const args = this.#createArgs(name).write(values);
    const error = await native.callAsync(args.address, [args.alive, alive]);
    if (error !== 0n) throw this.#takeError(error);
    return args.read();
  }

  #createArgs<N extends FunctionName>(name: N): Struct<FieldsOf<N>> {
    return FUNCTIONS[name].args.create(this.version.minor) as unknown as Struct<FieldsOf<N>>;
  }

  #bind<N extends FunctionName>(name: N): Bound<N> {
    const known: Bound<N> | undefined = this.#bound[name];
    if (known !== undefined) return known;
    const address = this.#address(name);
    if (address === 0n) {
      const { major, minor } = this.version;
      throw new PjrtError(
        'UNIMPLEMENTED',
        `the plugin ${this.pluginPath} (PJRT API ${major}.${minor}) has no function PJRT_${name}`,
        { hint: 'use a newer build of this plugin' },
      );
    }
    const bound = { native: nativeFunction(address), args: this.#createArgs(name) };
    (this.#bound as Record<string, unknown>)[name] = bound;
    return bound;
  }

  #address(name: FunctionName): Pointer {
    return this.#table[TABLE_HEADER_WORDS + FUNCTIONS[name].slot] ?? 0n;
  }

  /** Turns the plugin's error into ours and frees it. */
  #takeError(error: Pointer): PjrtError {
    // These three never fail: the first two return nothing, so what their native call returns has no meaning.
    const read = <N extends FunctionName>(name: N, values: In<FieldsOf<N>>): Out<FieldsOf<N>> => {
      const { native, args } = this.#bind(name);
      native.call(args.write(values).address);
      return args.read();
    };
    const { message } = read('Error_Message', { error });
    const { code } = read('Error_GetCode', { error });
    read('Error_Destroy', { error });
    return new PjrtError(errorCodeName(code), message);
  }
}
