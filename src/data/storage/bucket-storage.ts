import { matchesGlob } from 'node:path';
import { DataError } from '../data-error.ts';
import { Gate } from '../gate.ts';
import type { ObjectInfo, ObjectList, ObjectStore } from './object-store.ts';
import { CutShort, withRetries } from './retry.ts';
import type { Storage, StoredEntry, StoredFile } from './stored-file.ts';

/** Requests under way at a time: enough to hide the way there and back, few enough for any service. */
const REQUESTS = 32;

/** The objects of a bucket service as files and folders. */
export class BucketStorage implements Storage {
  readonly #scheme: string;
  readonly #store: ObjectStore;
  readonly #gate = new Gate(REQUESTS);
  /** Sizes that listings told: to ask for each of many files again takes as long as to read some of them. */
  readonly #sizes = new Map<string, number>();

  constructor(scheme: string, store: ObjectStore) {
    this.#scheme = scheme;
    this.#store = store;
  }

  async kindOf(path: string): Promise<'file' | 'folder' | undefined> {
    const { bucket, key } = this.#parse(path);
    try {
      if (key !== '' && !path.endsWith('/')) {
        const size = await this.#call(path, () => this.#store.size(bucket, key));
        if (size !== undefined) return 'file';
      }
      const prefix = key === '' ? '' : `${key}/`;
      const { objects, prefixes } = await this.#call(path, () =>
        this.#store.list(bucket, prefix, { delimiter: '/', firstPage: true }),
      );
      return objects.length + prefixes.length > 0 || key === '' ? 'folder' : undefined;
    } catch (error) {
      if (error instanceof DataError && error.code === 'NOT_FOUND') return undefined;
      throw error;
    }
  }

  async sizeOf(file: string): Promise<number> {
    const { bucket, key } = this.#parse(file);
    const size = this.#sizes.get(`${bucket}/${key}`) ?? (await this.#call(file, () => this.#store.size(bucket, key)));
    if (size === undefined) throw new DataError('NOT_FOUND', 'no such file', { place: { file } });
    return size;
  }

  async list(folder: string): Promise<StoredEntry[]> {
    const { prefix, objects, prefixes } = await this.#list(folder, '/');
    return [
      ...prefixes.map((each) => ({ name: each.slice(prefix.length, -1), isFolder: true })),
      // Some tools mark a folder by an empty object of its name.
      ...objects
        .filter(({ key }) => key !== prefix)
        .map(({ key }) => ({ name: key.slice(prefix.length), isFolder: false })),
    ];
  }

  async listAll(folder: string): Promise<string[]> {
    const { prefix, objects } = await this.#list(folder);
    return objects.filter(({ key }) => !key.endsWith('/')).map(({ key }) => key.slice(prefix.length));
  }

  async glob(pattern: string): Promise<string[]> {
    const { bucket, key } = this.#parse(pattern);
    const start = key.slice(0, key.search(/[*?[\]{}]/));
    const { objects } = await this.#call(pattern, () => this.#store.list(bucket, start, {}));
    this.#remember(bucket, objects);
    return objects
      .filter((object) => matchesGlob(object.key, key))
      .map((object) => `${this.#scheme}://${bucket}/${object.key}`);
  }

  async open(file: string): Promise<StoredFile> {
    const { bucket, key } = this.#parse(file);
    const size = await this.sizeOf(file);
    return {
      size,
      read: async (into, at, length, position) => {
        const wanted = Math.min(length, size - position);
        if (wanted <= 0) return 0;
        let got = 0;
        const rest = async () => {
          for await (const chunk of await this.#store.stream(bucket, key, position + got, position + wanted - 1)) {
            if (got + chunk.length > wanted)
              throw new DataError('CHANGED', 'more bytes came than were asked for', { place: { file } });
            into.set(chunk, at + got);
            got += chunk.length;
          }
          if (got < wanted) throw new CutShort(`the connection ended after ${got} of ${wanted} bytes`);
        };
        await this.#call(file, rest, () => got);
        return got;
      },
      close: async () => {},
    };
  }

  async #list(folder: string, delimiter?: '/'): Promise<ObjectList & { readonly prefix: string }> {
    const { bucket, key } = this.#parse(folder);
    const prefix = key === '' ? '' : `${key}/`;
    const list = await this.#call(folder, () => this.#store.list(bucket, prefix, { delimiter }));
    this.#remember(bucket, list.objects);
    return { prefix, ...list };
  }

  #remember(bucket: string, objects: readonly ObjectInfo[]): void {
    for (const { key, size } of objects) this.#sizes.set(`${bucket}/${key}`, size);
  }

  #parse(path: string): { bucket: string; key: string } {
    const [bucket, ...rest] = path.slice(this.#scheme.length + 3).split('/');
    if (bucket === '') {
      throw new DataError('NO_BUCKET', `${path} names no bucket`, { expected: `${this.#scheme}://BUCKET/FOLDER` });
    }
    return { bucket, key: rest.join('/').replace(/\/+$/, '') };
  }

  async #call<T>(address: string, call: () => Promise<T>, progress?: () => number): Promise<T> {
    await this.#gate.enter();
    try {
      return await withRetries(address, (error) => this.#store.failure(error), call, progress);
    } finally {
      this.#gate.leave();
    }
  }
}
