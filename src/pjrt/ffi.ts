/** The only file that knows the FFI library: everything else of the room speaks addresses and native functions. */
import koffi from 'koffi';

/** A C pointer; `0n` is null. */
export type Pointer = bigint;

/** How many calls may be on worker threads at once; further ones wait their turn. */
const MAX_ASYNC_CALLS = 16;

koffi.config({
  // koffi runs the callee on a stack of its own, and a compiler's recursion does not fit into the 128 KiB default.
  async_stack_size: 16 * 2 ** 20,
  sync_stack_size: 16 * 2 ** 20,
  resident_async_pools: MAX_ASYNC_CALLS,
});

/** Every PJRT function takes a pointer to one struct and returns a pointer to an error, or null. */
const SIGNATURE = koffi.proto('void *', ['void *']);

/** A C function of the one signature PJRT has. */
export interface NativeFunction {
  /** Calls on this thread. */
  call(argument: Pointer): Pointer;
  /** Calls on a worker thread; `alive` is held until the call has returned. */
  callAsync(argument: Pointer, alive: readonly unknown[]): Promise<Pointer>;
}

type RawFunction = ((argument: Pointer) => Pointer | null) & {
  async(argument: Pointer, done: (error: unknown, result: Pointer | null) => void): void;
};

/** Makes the function at `address` callable. */
export function nativeFunction(address: Pointer): NativeFunction {
  const raw = koffi.decode(address, SIGNATURE) as RawFunction;
  return {
    call: (argument) => raw(argument) ?? 0n,
    async callAsync(argument, alive) {
      // With a slot free the call is on its way when this returns, even if the caller then keeps this thread for long.
      const turn = slots.acquire();
      if (turn !== undefined) await turn;
      try {
        return await new Promise<Pointer>((resolve, reject) => {
          raw.async(argument, (error, result) => {
            // koffi holds this callback while the call runs, and the callback holds the memory.
            keepAlive(alive);
            if (error) reject(error);
            else resolve(result ?? 0n);
          });
        });
      } finally {
        slots.release();
      }
    },
  };
}

/** A function of ours that C code may call from any thread; it waits there until the main thread has run it. */
export interface NativeCallback {
  readonly address: Pointer;
  /** Nothing may call it any more. */
  release(): void;
}

/** Makes a function callable for C: it takes a pointer and returns one, as PJRT's callbacks do. It must not throw. */
export function nativeCallback(body: (argument: Pointer) => Pointer): NativeCallback {
  const address = koffi.register((argument: Pointer | null) => body(argument ?? 0n), koffi.pointer(SIGNATURE));
  return { address, release: () => koffi.unregister(address) };
}

/** `PJRT_CallbackError`: makes an error of the plugin's own type. */
const MAKE_ERROR = koffi.proto('void *', ['int', 'void *', 'size_t']);

/** An error made by the plugin's function whose address stands at `factory`. */
export function makeError(factory: Pointer, code: number, message: string): Pointer {
  const bytes = new TextEncoder().encode(message);
  const make = koffi.decode(readWords(factory, 1)[0], MAKE_ERROR) as (
    code: number,
    text: Pointer,
    length: number,
  ) => Pointer | null;
  return make(code, addressOf(bytes), bytes.length) ?? 0n;
}

/** Sets a 64-bit word of native memory. */
export function writeWord(address: Pointer, index: number, value: bigint): void {
  new BigUint64Array(koffi.view(address, (index + 1) * 8))[index] = value;
}

/**
 * Ends this process, also while calls are on worker threads: the usual way waits for them, and a compiler may take minutes.
 */
export function endProcess(status: number): never {
  if (slots.free < MAX_ASYNC_CALLS) libraryFunction('void _exit(int status)')?.(status);
  process.exit(status);
}

/** A function of the C library by its C declaration; undefined where that library hasn't got it. */
export function libraryFunction(declaration: string): LibraryFunction | undefined {
  if (process.platform === 'win32') return undefined;
  try {
    return koffi.load(null).func(declaration);
  } catch {
    return undefined;
  }
}

/** glibc's `struct mallinfo2`, malloc.h. */
const HEAP_FIELDS = [
  'arena',
  'ordblks',
  'smblks',
  'hblks',
  'hblkhd',
  'usmblks',
  'fsmblks',
  'uordblks',
  'fordblks',
  'keepcost',
] as const;

/** A function that gives the bytes of the C library's heap which are in use; undefined where that library hasn't got one. */
export function heapMeter(): (() => number) | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    const type = koffi.struct(Object.fromEntries(HEAP_FIELDS.map((name) => [name, 'size_t'])));
    const read = koffi.load(null).func('mallinfo2', type, []) as () => Record<(typeof HEAP_FIELDS)[number], number>;
    return () => read().uordblks;
  } catch {
    return undefined;
  }
}

/** A function of the C library that takes numbers and returns one. */
export interface LibraryFunction {
  (...numbers: readonly number[]): number;
  async(...numbersAndDone: readonly [...number[], (error: unknown) => void]): void;
}

/** Does nothing: whoever mentions `memory` here holds it until then. */
function keepAlive(_memory: readonly unknown[]): void {}

/** Counts free worker calls, first come first served. */
const slots = {
  free: MAX_ASYNC_CALLS,
  waiting: [] as (() => void)[],
  acquire(): Promise<void> | undefined {
    if (this.free > 0) {
      this.free--;
      return undefined;
    }
    return new Promise((resolve) => this.waiting.push(resolve));
  },
  release(): void {
    const next = this.waiting.shift();
    if (next === undefined) this.free++;
    else next();
  },
};

/** The address of the memory behind a view. It stays valid for as long as the view is referenced. */
export function addressOf(memory: ArrayBufferView): Pointer {
  return memory.byteLength === 0 ? 0n : koffi.address(memory);
}

/** A copy of `length` bytes of native memory. */
export function readBytes(address: Pointer, length: number): Uint8Array<ArrayBuffer> {
  return length === 0 ? new Uint8Array() : new Uint8Array(koffi.view(address, length)).slice();
}

/** A copy of `count` 64-bit words of native memory. */
export function readWords(address: Pointer, count: number): BigUint64Array {
  return new BigUint64Array(readBytes(address, count * 8).buffer);
}

/** UTF-8 text of `length` bytes. */
export function readText(address: Pointer, length: number): string {
  return length === 0 ? '' : koffi.decode.string(address, length);
}

/** A loaded shared library. */
export interface Library {
  /** The address of an exported function, or undefined where there is none. */
  symbol(name: string): Pointer | undefined;
}

/**
 * Loads a shared library for the life of the process.
 *
 * @throws whatever the system's loader says, as the message of an Error.
 */
export function openLibrary(path: string): Library {
  const library = koffi.load(path);
  if (process.platform !== 'win32') pin(path);
  return {
    symbol(name) {
      try {
        return library.symbol(name) as Pointer;
      } catch {
        return undefined;
      }
    },
  };
}

/**
 * Takes one more reference that is never given back. koffi unloads its libraries when Node exits, and a plugin whose
 * threads still run then crashes the process.
 */
function pin(path: string): void {
  const RTLD_LAZY = 1;
  const dlopen = koffi.load(null).func('void *dlopen(const char *path, int flags)') as (
    p: string,
    f: number,
  ) => unknown;
  dlopen(path, RTLD_LAZY);
}
