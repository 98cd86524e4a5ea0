import { open, rename, rm, stat, truncate } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Dispatcher, Response } from 'undici';
import { isSystemError, reasonOf } from '../base/index.ts';
import { AssetError, cacheError } from './asset-error.ts';
import { makeRoom } from './cache-folder.ts';
import { checkFile, digitsOf, type Checksum } from './checksum.ts';
import { withLock } from './lock.ts';
import type { TransferOptions } from './transfer.ts';

/** A file whose publisher gives no checksum. */
export interface Unpinned {
  /** What tells its versions apart. */
  readonly version: string;
  /** Looks at what came before it gets the file's name: a server may answer with a page instead. @throws AssetError. */
  readonly check: (path: string) => Promise<void>;
}

/** One file on the web, pinned to its bytes where its publisher says what they are. */
export type WebAsset = (Checksum | Unpinned) & {
  readonly url: string;
  /** Bytes, where known: the room on the disk is checked before the download starts, and no more are taken. */
  readonly size?: number;
};

export interface DownloadOptions extends TransferOptions {
  /** Attempts in a row that bring no byte before it gives up; default 5. */
  readonly attempts?: number;
  /** Milliseconds before the second attempt, doubled before each further one; default 500. */
  readonly backoff?: number;
  /** For the asset's own server; another one that it sends on to must not see who asks. */
  readonly authorization?: string;
}

/** Milliseconds without a byte after which a connection is given up and made anew. */
const STALLED = 60_000;

/**
 * Downloads a file to `path`, unless it is there already.
 *
 * A download that was cut, by the network or by the end of the process, goes on where it stopped. The file appears at
 * `path` whole and verified or not at all. Of processes that want the same file one downloads and the others wait.
 * `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` are followed.
 *
 * @returns `path`.
 * @throws AssetError `DOWNLOAD_FAILED`, `CHECKSUM_MISMATCH`, `DISK_FULL`, `WRITE_FAILED`.
 */
export async function download(asset: WebAsset, path: string, options: DownloadOptions = {}): Promise<string> {
  if (await isThere(path)) return path;
  const folder = dirname(path);
  await makeRoom(folder);
  return withLock(path, options, async () => {
    if (await isThere(path)) return path;
    // Named by content, so that bytes of another version of the file are never continued.
    const part = join(
      folder,
      `.${basename(path)}.${'version' in asset ? asset.version : digitsOf(asset).slice(0, 12)}.part`,
    );
    // What an earlier one brought is there already.
    if (asset.size !== undefined) await makeRoom(folder, asset.size - (await sizeOf(part)));
    try {
      await bring(asset, part, options);
      await verify(asset, part, options.signal);
      await rename(part, path);
    } catch (cause) {
      options.signal?.throwIfAborted();
      // What fills the disk is in nobody's interest, not even to go on with later.
      if (isSystemError(cause, 'ENOSPC')) await rm(part, { force: true });
      throw cacheError(path, cause);
    }
    return path;
  });
}

async function bring(asset: WebAsset, part: string, options: DownloadOptions): Promise<void> {
  const { signal, attempts = 5, backoff = 500 } = options;
  const { EnvHttpProxyAgent } = await loadUndici();
  const agent = new EnvHttpProxyAgent({ headersTimeout: STALLED, bodyTimeout: STALLED });
  try {
    for (let failed = 0; ;) {
      const before = await sizeOf(part);
      try {
        await attempt(asset, part, before, agent, options);
        return;
      } catch (error) {
        signal?.throwIfAborted();
        // A write error may carry a system code too; only trouble on the way is worth another attempt.
        if (!(error instanceof TransferCut)) throw error;
        failed = (await sizeOf(part)) > before ? 0 : failed + 1;
        if (failed >= attempts) throw cutError(asset.url, error, failed);
        const wait = Math.max(backoff * 2 ** (failed - 1), error.retryAfter);
        options.onNotice?.(`${asset.url}: ${error.message}; trying again`);
        await delay(wait, undefined, { signal }).catch(() => {});
      }
    }
  } finally {
    await agent.destroy();
  }
}

/** One request, for what is still missing. */
async function attempt(
  asset: WebAsset,
  part: string,
  start: number,
  agent: Dispatcher,
  { signal, onProgress, authorization }: DownloadOptions,
): Promise<void> {
  const { fetch } = await loadUndici();
  const headers: Record<string, string> = { 'accept-encoding': 'identity', 'user-agent': 'sepal' };
  // `fetch` takes it off where it is sent on to another server.
  if (authorization !== undefined) headers.authorization = authorization;
  if (start > 0) headers.range = `bytes=${start}-`;
  const response = await fetch(asset.url, { headers, dispatcher: agent, signal }).catch((cause: unknown) => {
    throw new TransferCut(reasonOf(cause), cause);
  });
  try {
    const from = await startOf(response, part, start, asset.url);
    if (from === undefined) return;
    const length = response.headers.get('content-length');
    const total = length === null ? asset.size : from + Number(length);
    const onBytes = async (done: number): Promise<void> => {
      // A server that goes on and on would fill the disk before any checksum is compared.
      if (asset.size !== undefined && done > asset.size) throw await tooLong(asset.url, asset.size, part);
      onProgress?.({ step: 'download', bytes: done, total });
    };
    const bytes = await save(response, part, from, onBytes);
    if (total !== undefined && bytes < total) {
      throw new TransferCut(`the connection ended after ${bytes} of ${total} bytes`);
    }
  } finally {
    if (!response.bodyUsed) await response.body?.cancel();
  }
}

/** Writes the body to the end of the file, or anew where it begins at 0. Returns the file's size. */
async function save(
  { body }: Response,
  part: string,
  from: number,
  onBytes: (done: number) => Promise<void>,
): Promise<number> {
  // Each write is awaited: what the file holds when the connection breaks is exactly what the next attempt goes on from.
  const file = await open(part, from > 0 ? 'a' : 'w');
  try {
    let bytes = from;
    for await (const chunk of chunksOf(body)) {
      await file.writeFile(chunk);
      bytes += chunk.length;
      await onBytes(bytes);
    }
    await file.sync();
    return bytes;
  } finally {
    await file.close();
  }
}

/** The body's chunks, with trouble on the way told apart from trouble with the disk. */
async function* chunksOf(body: Response['body']): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of body ?? []) yield chunk as Uint8Array;
  } catch (cause) {
    throw new TransferCut(reasonOf(cause), cause);
  }
}

/** Where the body's first byte belongs in the file; undefined if there is nothing left to bring. */
async function startOf(response: Response, part: string, asked: number, url: string): Promise<number | undefined> {
  const { status, headers } = response;
  if (status === 200) return 0;
  if (status === 206) {
    const start = Number(/^bytes (\d+)-/.exec(headers.get('content-range') ?? '')?.[1]);
    if (start === asked) return start;
  }
  if (status === 416 && asked > 0) {
    const total = Number(/^bytes \*\/(\d+)$/.exec(headers.get('content-range') ?? '')?.[1]);
    if (total === asked) return undefined;
    await truncate(part);
    throw new TransferCut('the server has fewer bytes than were brought before; starting anew');
  }
  if (status >= 500 || status === 408 || status === 429) {
    const seconds = Number(headers.get('retry-after') ?? 0);
    throw new TransferCut(
      `the server answered ${status} ${response.statusText}`.trim(),
      undefined,
      Number.isFinite(seconds) ? Math.min(60, seconds) * 1000 : 0,
    );
  }
  throw new AssetError('DOWNLOAD_FAILED', `can't download ${url}: ${status} ${response.statusText}`.trim(), {
    hint: 'check the address and that you may read it',
  });
}

/** Trouble on the way to the server, or on its side, that another attempt may not meet. */
class TransferCut extends Error {
  /** Milliseconds that the server asks to wait. */
  readonly retryAfter: number;

  constructor(message: string, cause?: unknown, retryAfter = 0) {
    super(message, { cause });
    this.retryAfter = retryAfter;
  }
}

function cutError(url: string, { message, cause }: TransferCut, attempts: number): AssetError {
  return new AssetError('DOWNLOAD_FAILED', `can't download ${url}: ${message} (${attempts} attempts)`, {
    hint: 'check the network and the proxy settings, then run it again: it goes on where it stopped',
    cause,
  });
}

/** Removes what came, which is of no use to another attempt. */
async function tooLong(url: string, size: number, part: string): Promise<AssetError> {
  await rm(part, { force: true });
  return new AssetError('CHECKSUM_MISMATCH', `${url} gives more bytes than the file has; refused`, {
    expected: `${size} bytes`,
    hint: 'the download was altered: try again, or from another network or mirror',
  });
}

async function verify(asset: WebAsset, part: string, signal: AbortSignal | undefined): Promise<void> {
  try {
    if ('version' in asset) await asset.check(part);
    else await checkFile(part, asset, asset.url, signal);
  } catch (error) {
    if (error instanceof AssetError) await rm(part, { force: true });
    throw error;
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return 0;
    throw error;
  }
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** Only a download needs it; loading it with the room would cost every other start a fifth of a second. */
const loadUndici = () => import('undici');
