import { Storage, type ApiError, type GetFilesResponse } from '@google-cloud/storage';
import { EnvHttpProxyAgent, request } from 'undici';
import { DataError } from '../data-error.ts';
import type { ObjectStore } from './object-store.ts';
import { firstLine } from './retry.ts';

/** An endpoint of one's own is used without credentials: so is Google's own, for public buckets. */
const PUBLIC_ENDPOINT = 'https://storage.googleapis.com';

/** Names the file of credentials, in Google's clients. */
const CREDENTIALS = 'GOOGLE_APPLICATION_CREDENTIALS';

/** Milliseconds without a byte after which a connection is given up. */
const STALLED_MS = 60_000;

/**
 * Google Cloud Storage by its official client, which follows `STORAGE_EMULATOR_HOST`.
 *
 * Only the bytes themselves are asked for past it, with its credentials: when a connection breaks, the client's read
 * streams take the other connections with them, and some then neither end nor fail.
 */
export async function openGs(): Promise<ObjectStore> {
  const { client, isAnonymous, anonymous } = await connect();
  const dispatcher = new EnvHttpProxyAgent({ headersTimeout: STALLED_MS, bodyTimeout: STALLED_MS });
  return {
    async size(bucket, key) {
      try {
        const [{ size }] = await client.bucket(bucket).file(key).getMetadata();
        return Number(size);
      } catch (error) {
        if ((error as ApiError).code === 404) return undefined;
        throw error;
      }
    },

    async list(bucket, prefix, { delimiter, firstPage = false }) {
      const objects = [];
      const prefixes: string[] = [];
      let page: object | null = { prefix, delimiter, autoPaginate: false };
      while (page !== null) {
        const [files, next, answer]: GetFilesResponse = await client.bucket(bucket).getFiles(page);
        objects.push(...files.map((file) => ({ key: file.name, size: Number(file.metadata.size ?? 0) })));
        prefixes.push(...((answer as { prefixes?: string[] } | undefined)?.prefixes ?? []));
        page = firstPage ? null : (next ?? null);
      }
      return { objects, prefixes };
    },

    async stream(bucket, key, start, end) {
      const url = `${client.apiEndpoint}/storage/v1/b/${bucket}/o/${encodeURIComponent(key)}?alt=media`;
      const credentials = isAnonymous ? {} : await client.authClient.getRequestHeaders(url);
      // As it is stored: unasked, an object with Content-Encoding gzip comes whole and unpacked.
      const headers = { ...credentials, 'accept-encoding': 'gzip', range: `bytes=${start}-${end}` };
      const { statusCode, body } = await request(url, { headers, dispatcher });
      if (statusCode === 206 || (statusCode === 200 && start === 0)) return body;
      await body.dump();
      // A whole object where a part was asked for can't be used.
      throw Object.assign(new Error(`the service answered ${statusCode}`), { code: statusCode });
    },

    failure(error) {
      const { code } = error as { code?: number | string };
      return { status: typeof code === 'number' ? code : undefined, message: firstLine(error), anonymous };
    },
  };
}

// Sepal asks again itself, from where the bytes ended.
const retryOptions = { autoRetry: false };

/**
 * A client; for one without credentials, where some were looked for, why there are none.
 *
 * @throws DataError `NO_ACCESS` where credentials are named that can't be used.
 */
async function connect(): Promise<{ client: Storage; isAnonymous: boolean; anonymous?: string }> {
  const emulator = process.env.STORAGE_EMULATOR_HOST ?? '';
  if (emulator !== '') return { client: connectToEmulator(emulator), isAnonymous: true };
  const client = new Storage({ retryOptions });
  try {
    await client.authClient.getClient();
    return { client, isAnonymous: false };
  } catch (error) {
    // Public buckets need no credentials; but whoever names some doesn't mean to go without.
    if ((process.env[CREDENTIALS] ?? '') !== '') {
      throw new DataError('NO_ACCESS', `the file that ${CREDENTIALS} names can't be used: ${firstLine(error)}`, {
        hint: `unset ${CREDENTIALS} for public buckets`,
        cause: error,
      });
    }
    const unsigned = new Storage({ retryOptions, apiEndpoint: PUBLIC_ENDPOINT });
    return { client: unsigned, isAnonymous: true, anonymous: firstLine(error) };
  }
}

/** Google's clients take the variable for the host, but this one takes it for the host and the path to the service. */
function connectToEmulator(address: string): Storage {
  const host = address.replace(/\/+$/, '').replace(/\/storage\/v1$/, '');
  // Not taken out: to put it in again would move the table that threads are reading.
  process.env.STORAGE_EMULATOR_HOST = '';
  try {
    return new Storage({ retryOptions, apiEndpoint: host.includes('://') ? host : `http://${host}` });
  } finally {
    process.env.STORAGE_EMULATOR_HOST = address;
  }
}
