import { lookup, type LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { promisify } from 'node:util';
import { Agent, request } from 'undici';
import { formatBytes, plural } from '../base/index.ts';
import type { AddressPolicy } from './address-policy.ts';
import type { Limits } from './limits.ts';
import { ServeError } from './serve-error.ts';
import { hostOf, parseTarget, portOf } from './target-url.ts';

/** All addresses of a host name. */
export type Resolver = (host: string) => Promise<readonly LookupAddress[]>;

const systemResolver: Resolver = (host) => promisify(lookup)(host, { all: true });

export interface FetchOptions {
  readonly policy: AddressPolicy;
  readonly limits: Pick<Limits, 'imageBytes' | 'fetchSeconds' | 'redirects'>;
  readonly signal?: AbortSignal;
  readonly resolve?: Resolver;
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/**
 * The bytes behind a URL that a stranger gave.
 *
 * Every address of its host is checked first, and the connection goes to those very addresses: a name that resolves to
 * something else a moment later (DNS rebinding) leads nowhere new. Each redirect starts over. What went wrong on the
 * way is told in few words, as more would let a stranger map the network.
 *
 * @throws ServeError `BAD_URL`, `ADDRESS_REFUSED`, `TOO_LARGE`, `FETCH_FAILED` or `FETCH_TIMEOUT`.
 */
export async function fetchImage(text: string, options: FetchOptions): Promise<Buffer> {
  const { fetchSeconds, redirects } = options.limits;
  const timeout = AbortSignal.timeout(fetchSeconds * 1000);
  const signal = options.signal === undefined ? timeout : AbortSignal.any([timeout, options.signal]);
  let url = parseTarget(text);
  try {
    for (let hop = 0; hop <= redirects; hop++) {
      const answer = await fetchOnce(url, signal, options);
      if (answer instanceof Uint8Array) return answer;
      url = parseTarget(answer.location, url);
    }
  } catch (cause) {
    if (cause instanceof ServeError) throw cause;
    if (timeout.aborted) {
      throw new ServeError('FETCH_TIMEOUT', `the URL gave no image within ${plural(fetchSeconds, 'second')}`, {
        cause,
      });
    }
    throw new ServeError('FETCH_FAILED', 'the URL could not be fetched', { cause });
  }
  throw new ServeError('FETCH_FAILED', 'the URL leads on and on', {
    expected: `at most ${plural(redirects, 'redirect')}`,
  });
}

async function fetchOnce(
  url: URL,
  signal: AbortSignal,
  { policy, limits, resolve = systemResolver }: FetchOptions,
): Promise<Buffer | { readonly location: string }> {
  const addresses = await checkedAddresses(url, policy, resolve, signal);
  const agent = new Agent({
    connect: { lookup: pinned(addresses), timeout: limits.fetchSeconds * 1000 },
    connections: 1,
    pipelining: 0,
    maxHeaderSize: 16 * 1024,
  });
  try {
    const { statusCode, headers, body } = await request(url, {
      dispatcher: agent,
      signal,
      // Nothing of the client's goes along. Without an accepted encoding there is nothing to decompress.
      headers: { accept: 'image/*', 'accept-encoding': 'identity', 'user-agent': 'sepal' },
      headersTimeout: limits.fetchSeconds * 1000,
      bodyTimeout: limits.fetchSeconds * 1000,
    });
    // A body that is not read to its end is cut off with the agent.
    body.on('error', () => {});
    const { location } = headers;
    if (REDIRECTS.has(statusCode) && typeof location === 'string') return { location };
    if (statusCode !== 200) throw failed(`answered with status ${statusCode}`);
    const encoding = headers['content-encoding'];
    if (encoding !== undefined && encoding !== 'identity') throw failed('answered in a compressed form');
    if (Number(headers['content-length']) > limits.imageBytes) throw tooLarge(limits.imageBytes);
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of body as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > limits.imageBytes) throw tooLarge(limits.imageBytes);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  } finally {
    await agent.destroy();
  }
}

/** All addresses of a URL's host. @throws ServeError `ADDRESS_REFUSED` unless every one of them is permitted. */
async function checkedAddresses(
  url: URL,
  policy: AddressPolicy,
  resolve: Resolver,
  signal: AbortSignal,
): Promise<readonly LookupAddress[]> {
  const host = hostOf(url);
  const family = isIP(host);
  const addresses = family === 0 ? await withSignal(resolve(host), signal) : [{ address: host, family }];
  const port = portOf(url);
  if (addresses.length === 0 || !addresses.every(({ address }) => policy.permits(address, port))) {
    throw new ServeError('ADDRESS_REFUSED', 'this URL is not open to everyone, so it is not fetched', {
      expected: 'a public address, port 80 or 443',
      hint: 'upload the image instead',
    });
  }
  return addresses;
}

/** A lookup that answers with the addresses that were checked, whatever the name resolves to by now. */
function pinned(addresses: readonly LookupAddress[]): LookupFunction {
  return (_host, options, callback) => {
    if (options.all === true) callback(null, [...addresses]);
    else callback(null, addresses[0].address, addresses[0].family);
  };
}

/** A lookup can't be stopped, but it needn't be waited for. */
async function withSignal<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason as Error);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

const failed = (what: string): ServeError => new ServeError('FETCH_FAILED', `the URL ${what}`);

const tooLarge = (limit: number): ServeError =>
  new ServeError('TOO_LARGE', 'the image behind the URL is too large', { expected: `at most ${formatBytes(limit)}` });
