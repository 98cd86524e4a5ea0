import { extname, join } from 'node:path';
import { MessageChannel, receiveMessageOnPort, Worker, type MessagePort } from 'node:worker_threads';
import { PjrtError, type KeyValueStore } from '../../pjrt/index.ts';
import { RuntimeError } from '../errors.ts';
import type { EtcdAnswer, EtcdRequest, Numbered } from './etcd-worker.ts';

/** Milliseconds within which an etcd that is there has answered. */
const CONNECT_LIMIT = 10_000;

/**
 * Values in etcd, through the JSON gateway that every etcd has beside gRPC, under the address's path as a prefix:
 * `http://etcd:2379/JOB`. The keys belong to a lease, so that those of a run that has ended are gone for the next one.
 *
 * A plugin's thread waits for an answer, and so does the main thread meanwhile: a thread of its own speaks to etcd.
 */
export class EtcdStore implements KeyValueStore, AsyncDisposable {
  readonly #worker: Worker;
  readonly #port: MessagePort;
  #asked = 0;
  readonly #signal = new Int32Array(new SharedArrayBuffer(4));

  private constructor(address: string) {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    // This file's own extension: .ts in the source, .js once built.
    this.#worker = new Worker(join(import.meta.dirname, `etcd-worker${extname(import.meta.filename)}`), {
      workerData: { address, port: port2, signal: this.#signal },
      transferList: [port2],
    });
    this.#worker.unref();
    port1.unref();
  }

  /** @throws RuntimeError `STORE` for an address where no etcd answers. */
  static open(address: string): EtcdStore {
    if (!/^https?:\/\/[^/]+\/.+/.test(address)) {
      throw new RuntimeError('STORE', `${address} is no address of a store`, {
        expected: 'http://HOST:2379/NAME of an etcd, with a name that no other run has',
      });
    }
    const store = new EtcdStore(address);
    try {
      store.#ask({ kind: 'tryGet', key: 'sepal' }, CONNECT_LIMIT);
    } catch (cause) {
      void store.close();
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new RuntimeError('STORE', `no etcd answers at ${address}: ${why}`, {
        hint: 'start one that all hosts can reach: etcd --listen-client-urls http://0.0.0.0:2379 --advertise-client-urls http://HOST:2379',
        cause,
      });
    }
    return store;
  }

  get(key: string, timeoutMilliseconds: number): Uint8Array {
    const value = this.#ask({ kind: 'get', key, timeoutMilliseconds }, timeoutMilliseconds + CONNECT_LIMIT);
    if (value !== undefined) return value;
    throw new PjrtError('DEADLINE_EXCEEDED', `no process has put ${key} within ${timeoutMilliseconds / 1000} s`);
  }

  tryGet(key: string): Uint8Array | undefined {
    return this.#ask({ kind: 'tryGet', key }, CONNECT_LIMIT);
  }

  put(key: string, value: Uint8Array): void {
    this.#ask({ kind: 'put', key, value }, CONNECT_LIMIT);
  }

  /** Forgets the keys that this process has put. */
  async close(): Promise<void> {
    try {
      this.#ask({ kind: 'close' }, CONNECT_LIMIT);
    } catch {
      // The lease runs out by itself.
    }
    await this.#worker.terminate();
    this.#port.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Asks the worker and blocks until it has answered. */
  #ask(request: EtcdRequest, limit: number): Uint8Array | undefined {
    const id = ++this.#asked;
    Atomics.store(this.#signal, 0, 0);
    this.#port.postMessage({ ...request, id } satisfies Numbered<EtcdRequest>, []);
    while (Atomics.wait(this.#signal, 0, 0, limit) !== 'timed-out') {
      Atomics.store(this.#signal, 0, 0);
      for (let got = this.#receive(); got !== undefined; got = this.#receive()) {
        if (got.id !== id) continue;
        if ('failed' in got) throw new PjrtError('UNAVAILABLE', got.failed);
        return got.value;
      }
    }
    throw new PjrtError('DEADLINE_EXCEEDED', `no answer in ${limit / 1000} s`);
  }

  #receive(): Numbered<EtcdAnswer> | undefined {
    return receiveMessageOnPort(this.#port)?.message as Numbered<EtcdAnswer> | undefined;
  }
}
