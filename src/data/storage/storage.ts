import { basename, dirname, join, resolve } from 'node:path';
import { UsageError } from '../../base/index.ts';
import { localStorage } from './local.ts';
import type { Storage } from './stored-file.ts';

const REMOTE = /^([a-z][a-z0-9+.-]+):\/\//;

/** Storages by scheme. The clients are large, so each is loaded by the first location that needs it. */
const REMOTE_STORAGES: Readonly<Record<string, () => Promise<Storage>>> = {
  gs: async () =>
    new (await import('./bucket-storage.ts')).BucketStorage('gs', await (await import('./gs.ts')).openGs()),
  s3: async () =>
    new (await import('./bucket-storage.ts')).BucketStorage('s3', await (await import('./s3.ts')).openS3()),
};

const opened = new Map<string, Promise<Storage>>();

/** The storage that a path belongs to. */
export async function storageOf(path: string): Promise<Storage> {
  const scheme = REMOTE.exec(path)?.[1];
  if (scheme === undefined) return localStorage;
  if (!Object.hasOwn(REMOTE_STORAGES, scheme)) {
    throw new UsageError('UNKNOWN_SCHEME', `${scheme}:// is no place that data is read from`, {
      expected: 'a path, gs://BUCKET/FOLDER or s3://BUCKET/FOLDER',
      received: path,
    });
  }
  let storage = opened.get(scheme);
  if (storage === undefined) {
    opened.set(scheme, (storage = REMOTE_STORAGES[scheme]()));
    // Credentials may be put right by the next call.
    storage.catch(() => opened.delete(scheme));
  }
  return storage;
}

/** Whether a location is an address, such as `gs://bucket/folder`, and no path of this machine. */
export function isRemote(path: string): boolean {
  return REMOTE.test(path);
}

/** `path.join` for paths and addresses. */
export function joinPath(folder: string, ...names: readonly string[]): string {
  return isRemote(folder) ? [folder.replace(/\/+$/, ''), ...names].join('/') : join(folder, ...names);
}

/** The folder of a path; of a bucket itself the bucket. */
export function parentOf(path: string): string {
  if (!isRemote(path)) return dirname(path);
  const parent = dirname(path);
  return isRemote(`${parent}/`) && !/:\/?$/.test(parent) ? parent : path;
}

export function absolutePath(path: string): string {
  return isRemote(path) ? path : resolve(path);
}

/** What a location is called: the last part of its absolute path. */
export function nameOf(path: string): string {
  return basename(absolutePath(path));
}

/** Reads a whole file. */
export async function readStored(path: string, maxBytes = Number.POSITIVE_INFINITY): Promise<Buffer | undefined> {
  const file = await (await storageOf(path)).open(path);
  try {
    if (file.size > maxBytes) return undefined;
    const bytes = Buffer.allocUnsafe(file.size);
    let filled = 0;
    while (filled < bytes.length) {
      const got = await file.read(bytes, filled, bytes.length - filled, filled);
      if (got === 0) break;
      filled += got;
    }
    return bytes.subarray(0, filled);
  } finally {
    await file.close();
  }
}
