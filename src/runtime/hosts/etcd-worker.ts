import { setTimeout as sleep } from 'node:timers/promises';
import { workerData, type MessagePort } from 'node:worker_threads';
import { z } from 'zod';
import { jsonText, reasonOf } from '../../base/index.ts';

/** What the main thread asks for; one at a time. */
export type EtcdRequest =
  | { readonly kind: 'get'; readonly key: string; readonly timeoutMilliseconds: number }
  | { readonly kind: 'tryGet'; readonly key: string }
  | { readonly kind: 'put'; readonly key: string; readonly value: Uint8Array }
  | { readonly kind: 'close' };

/** An answer carries the number of its request, so that a late one is not taken for the answer to the next. */
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
        await post(
          'kv/put',
          { key: encoded(request.key), value: base64(request.value), lease: await ownLease() },
          doneSchema,
        );
        return { value: undefined };
      case 'close':
        if (lease !== undefined) await post('lease/revoke', { ID: await lease }, doneSchema);
        return { value: undefined };
      default:
        return request satisfies never;
    }
  } catch (error) {
    return { failed: reasonOf(error) };
  }
}

/** What etcd's gateway answers; it leaves out what is empty. */
const foundSchema = z.object({
  kvs: z
    .array(z.object({ value: z.string().default('') }))
    .min(1)
    .optional(),
});
const leaseSchema = z.object({ ID: z.string() });
const doneSchema = z.object({});

async function waitFor(key: string, timeout: number): Promise<Uint8Array | undefined> {
  for (const end = performance.now() + timeout; ; await sleep(POLL)) {
    const value = await read(key);
    if (value !== undefined || performance.now() >= end) return value;
  }
}

async function read(key: string): Promise<Uint8Array | undefined> {
  const { kvs } = await post('kv/range', { key: encoded(key) }, foundSchema);
  return kvs === undefined ? undefined : new Uint8Array(Buffer.from(kvs[0].value, 'base64'));
}

/** The lease of this process's keys, which is renewed for as long as the process lives. */
async function ownLease(): Promise<string> {
  lease ??= post('lease/grant', { TTL: LEASE_SECONDS }, leaseSchema).then(
    ({ ID }) => {
      const renew = () => void post('lease/keepalive', { ID }, doneSchema).catch(() => {});
      setInterval(renew, (LEASE_SECONDS * 1000) / 3).unref();
      return ID;
    },
    (error: unknown) => {
      // The next one asks again.
      lease = undefined;
      throw error;
    },
  );
  return lease;
}

async function post<T extends z.ZodType>(path: string, body: object, schema: T): Promise<z.output<T>> {
  const response = await fetch(`${origin}/v3/${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(REQUEST_LIMIT),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.status} ${text.slice(0, 200)}`);
  const parsed = jsonText.pipe(schema).safeParse(text);
  if (parsed.success) return parsed.data;
  throw new Error(`what answers is no etcd: ${text.trim().split('\n')[0].slice(0, 80)}`);
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const encoded = (key: string): string => base64(new TextEncoder().encode(PREFIX + key));
