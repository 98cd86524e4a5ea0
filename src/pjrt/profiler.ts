import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { errorCodeName, PjrtError } from './error.ts';
import { addressOf, nativeFunction, readText, readWords, type NativeFunction, type Pointer } from './ffi.ts';

/** `PJRT_Extension_Type_Profiler`: the plugin's profiler hangs on the table of functions under this number. */
export const PROFILER_EXTENSION = 1;

/*
 * Words of `PJRT_Profiler_Extension`, of `PLUGIN_Profiler_Api` and of its functions' arguments, as in
 * `xla/backends/profiler/plugin/profiler_c_api.h` of openxla/xla. These structs aren't the ones of the C API: those of a profiler's
 * life have no `extension_start`.
 */
const EXTENSION_API_WORD = 3;
const FUNCTION_WORDS = { errorDestroy: 2, errorMessage: 3, errorGetCode: 4, create: 5, destroy: 6, start: 7, stop: 8, collect: 9 }; // prettier-ignore
const API_WORDS = 10;

type FunctionName = keyof typeof FUNCTION_WORDS;
type Functions = { readonly [N in FunctionName]: NativeFunction };

/**
 * Records what a plugin's devices do, kernel by kernel, from its making until `stop`. One at a time can be at work in a process.
 *
 * GPUs and TPUs have one; CPU plugins have none.
 */
export class Profiler {
  readonly #functions: Functions;
  #handle: Pointer | undefined;

  private constructor(functions: Functions, handle: Pointer) {
    this.#functions = functions;
    this.#handle = handle;
  }

  /** Begins to record. @param extension address of the plugin's `PJRT_Profiler_Extension`. */
  static async start(extension: Pointer): Promise<Profiler> {
    const table = readWords(readWords(extension, EXTENSION_API_WORD + 1)[EXTENSION_API_WORD], API_WORDS);
    const functions = Object.fromEntries(
      Object.entries(FUNCTION_WORDS).map(([name, word]) => [name, nativeFunction(table[word])]),
    ) as Functions;
    const options = profileOptions();
    const args = words(0n, addressOf(options), BigInt(options.length), 0n);
    await invoke(functions, 'create', args, options);
    const profiler = new Profiler(functions, args[3]);
    try {
      await profiler.#call('start');
    } catch (error) {
      await profiler.#destroy();
      throw error;
    }
    return profiler;
  }

  /** Ends recording; returns an `XSpace` of `tsl/profiler/protobuf/xplane.proto`, serialised. */
  async stop(): Promise<Uint8Array<ArrayBuffer>> {
    this.#alive();
    try {
      await this.#call('stop');
      const args = words(0n, this.#alive(), 0n, 0n);
      // The first call says how much there is.
      await invoke(this.#functions, 'collect', args);
      const space = new Uint8Array(Number(args[3]));
      args[2] = addressOf(space);
      await invoke(this.#functions, 'collect', args, space);
      return space;
    } finally {
      await this.#destroy();
    }
  }

  async #call(name: 'start' | 'stop'): Promise<void> {
    await invoke(this.#functions, name, words(0n, this.#alive()));
  }

  async #destroy(): Promise<void> {
    const args = words(0n, this.#alive());
    this.#handle = undefined;
    await invoke(this.#functions, 'destroy', args);
  }

  #alive(): Pointer {
    if (this.#handle === undefined) throw new PjrtError('FAILED_PRECONDITION', 'the profiler is used after stop()');
    return this.#handle;
  }
}

/** `tensorflow.ProfileOptions`: kernels of devices, nothing of the host. */
function profileOptions(): Uint8Array {
  const field = (writer: BinaryWriter, number: number, value: number) =>
    writer.tag(number, WireType.Varint).uint32(value);
  const writer = new BinaryWriter();
  const VERSION = 5;
  const DEVICE_TRACER_LEVEL = 3;
  field(writer, VERSION, 1);
  field(writer, DEVICE_TRACER_LEVEL, 1);
  return writer.finish();
}

/** Arguments whose first word is `struct_size`. */
function words(...values: readonly bigint[]): BigUint64Array {
  const args = BigUint64Array.from(values);
  args[0] = BigInt(args.byteLength);
  return args;
}

async function invoke(
  functions: Functions,
  name: FunctionName,
  args: BigUint64Array,
  ...alive: readonly unknown[]
): Promise<void> {
  const error = await functions[name].callAsync(addressOf(args), [args, alive]);
  if (error === 0n) return;
  const message = words(0n, 0n, error, 0n, 0n);
  functions.errorMessage.call(addressOf(message));
  const code = words(0n, 0n, error, 0n);
  functions.errorGetCode.call(addressOf(code));
  const text = readText(message[3], Number(message[4]));
  functions.errorDestroy.call(addressOf(words(0n, 0n, error)));
  throw new PjrtError(errorCodeName(Number(BigInt.asIntN(32, code[3]))), text);
}
