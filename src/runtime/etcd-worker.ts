import { setTimeout as sleep } from 'node:timers/promises';
import { workerData, type MessagePort } from 'node:worker_threads';

/** What the main thread asks for; one at a time. */
export type EtcdRequest =
  | { readonly kind: 'get'; readonly key: string; readonly timeoutMilliseconds: number }
  | { readonly kind: 'tryGet'; readonly key: string }
  | { readonly kind: 'put'; readonly key: string; readonly value: Uint8Array }
  | { readonly kind: 'close' };

/** An answer has the number of its request: one that came too late is none to the next. */
export type Numbered<T> = T & { readonly id: number };

export type EtcdAnswer = { readonly value: Uint8Array | undefined } | { readonly failed: string };

/** The program of `EtcdStore`'s thread: speaks to etcd while the main thread waits. */

const { address, port, signal } = workerData as {
  readonly address: string;
  readonly port: MessagePort;
  readonly signal: Int32Array;
};
const { origin, pathname } = new URL(address);
const PREFIX = `sepal${pathname}/`;
/** Seconds after which the keys of a process that has died are forgotten. */
const LEASE_SECONDS = 30;
/** Milliseconds between two looks for a value that is not there yet. */
const POLL = 100;
const REQUEST_LIMIT = 5000;

let lease: Promise<string> | undefined;

port.on('message', (request: Numbered<EtcdRequest>) => void reply(request));

async function reply(request: Numbered<EtcdRequest>): Promise<void> {
  port.postMessage({ ...(await answer(request)), id: request.id } satisfies Numbered<EtcdAnswer>, []);
  Atomics.store(signal, 0, 1);
  Atomics.notify(signal, 0);
}

async function answer(request: EtcdRequest): Promise<EtcdAnswer> {
  try {
    switch (request.kind) {
      case 'get':
        return { value: await waitFor(request.key, request.timeoutMilliseconds) };
      case 'tryGet':
        return { value: await read(request.key) };
      case 'put':
        await post('kv/put', { key: encoded(request.key), value: base64(request.value), lease: await ownLease() });
        return { value: undefined };
      case 'close':
        if (lease !== undefined) await post('lease/revoke', { ID: await lease });
        return { value: undefined };
      default:
        return request satisfies never;
    }
  } catch (error) {
    return { failed: reasonOf(error) };
  }
}

async function waitFor(key: string, timeout: number): Promise<Uint8Array | undefined> {
  for (const end = performance.now() + timeout; ; await sleep(POLL)) {
    const value = await read(key);
    if (value !== undefined || performance.now() >= end) return value;
  }
}

async function read(key: string): Promise<Uint8Array | undefined> {
  const { kvs } = await post<{ kvs?: readonly { readonly value?: string }[] }>('kv/range', { key: encoded(key) });
  // The gateway leaves out an empty value.
  return kvs === undefined ? undefined : new Uint8Array(Buffer.from(kvs[0].value ?? '', 'base64'));
}

/** The lease of this process's keys, which is renewed for as long as the process lives. */
async function ownLease(): Promise<string> {
  lease ??= post<{ ID: string }>('lease/grant', { TTL: LEASE_SECONDS }).then(({ ID }) => {
    const renew = () => void post('lease/keepalive', { ID }).catch(() => {});
    setInterval(renew, (LEASE_SECONDS * 1000) / 3).unref();
    return ID;
  });
  return lease;
}

async function post<T>(path: string, body: object): Promise<T> {
  const response = await fetch(`${origin}/v3/${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(REQUEST_LIMIT),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.status} ${text.slice(0, 200)}`);
  return JSON.parse(text) as T;
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const encoded = (key: string): string => base64(new TextEncoder().encode(PREFIX + key));

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
