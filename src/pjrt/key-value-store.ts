import { errorCodeNumber, PjrtError } from './error.ts';
import {
  addressOf,
  makeError,
  nativeCallback,
  readBytes,
  readText,
  readWords,
  writeWord,
  type NativeCallback,
  type Pointer,
} from './ffi.ts';

/**
 * Values that all processes of a run can read, through which a plugin joins their devices. The functions block: a plugin's
 * thread waits for them. They throw PjrtError, `DEADLINE_EXCEEDED` for a value that doesn't come in time.
 */
export interface KeyValueStore {
  /** The value of a key, as soon as a process has put it. */
  get(key: string, timeoutMilliseconds: number): Uint8Array;
  /** The value, or undefined where there is none yet. */
  tryGet(key: string): Uint8Array | undefined;
  /** Keeps a value; a later one takes its place. */
  put(key: string, value: Uint8Array): void;
}

/** Words of `PJRT_KeyValueGetCallback_Args`, `PJRT_KeyValueTryGetCallback_Args` and `PJRT_KeyValuePutCallback_Args`. */
const KEY = 2;
const KEY_SIZE = 3;
const GET = { timeout: 4, error: 5, value: 7, size: 8, deleter: 9, words: 10 } as const;
const TRY_GET = { error: 4, value: 6, size: 7, deleter: 8, words: 9 } as const;
const PUT = { value: 4, size: 5, error: 6, words: 8 } as const;

/** A store as C functions, which a plugin may call from any of its threads for as long as its client lives. */
export class KeyValueCallbacks {
  readonly get: Pointer;
  readonly tryGet: Pointer;
  readonly put: Pointer;
  readonly #registered: readonly NativeCallback[];
  /** Values that the plugin has not given back yet. */
  readonly #lent = new Map<Pointer, Uint8Array>();

  constructor(store: KeyValueStore) {
    const deleter = nativeCallback((value) => {
      this.#lent.delete(value);
      return 0n;
    });
    const lend = (args: Pointer, at: typeof GET | typeof TRY_GET, value: Uint8Array) => {
      // An address of its own, for an empty value too.
      const memory = new Uint8Array(value.length + 1);
      memory.set(value);
      const address = addressOf(memory);
      this.#lent.set(address, memory);
      writeWord(args, at.value, address);
      writeWord(args, at.size, BigInt(value.length));
      writeWord(args, at.deleter, deleter.address);
    };
    const get = answering(GET, (args, words) => {
      lend(args, GET, store.get(keyOf(words), Number(BigInt.asIntN(32, words[GET.timeout]))));
    });
    const tryGet = answering(TRY_GET, (args, words) => {
      const value = store.tryGet(keyOf(words));
      if (value === undefined) throw new PjrtError('NOT_FOUND', `there is no value of ${keyOf(words)}`);
      lend(args, TRY_GET, value);
    });
    const put = answering(PUT, (_args, words) => {
      store.put(keyOf(words), readBytes(words[PUT.value], Number(words[PUT.size])));
    });
    this.get = get.address;
    this.tryGet = tryGet.address;
    this.put = put.address;
    this.#registered = [deleter, get, tryGet, put];
  }

  /** Values that the plugin holds. */
  get lentCount(): number {
    return this.#lent.size;
  }

  /** Nothing may call the functions any more. */
  release(): void {
    for (const callback of this.#registered) callback.release();
  }
}

const keyOf = (words: BigUint64Array): string => readText(words[KEY], Number(words[KEY_SIZE]));

/** A callback that gives the plugin what is thrown as an error of its own making. */
function answering(
  at: { readonly words: number; readonly error: number },
  answer: (args: Pointer, words: BigUint64Array) => void,
): NativeCallback {
  return nativeCallback((args) => {
    const words = readWords(args, at.words);
    try {
      answer(args, words);
      return 0n;
    } catch (error) {
      const code = error instanceof PjrtError ? error.codeNumber : errorCodeNumber('INTERNAL');
      return makeError(words[at.error], code, error instanceof Error ? error.message : String(error));
    }
  });
}
