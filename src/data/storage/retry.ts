import { setTimeout as delay } from 'node:timers/promises';
import { DataError } from '../data-error.ts';
import type { Failure } from './object-store.ts';

/** Attempts in a row without any progress before a call is given up. */
const ATTEMPTS = 6;
const FIRST_WAIT_MS = 100;

/** A body that ended early. */
export class CutShort extends Error {}

/** Calls until it works: a connection may drop, a service may be busy. `progress` says how far the call has come. */
export async function withRetries<T>(
  address: string,
  failure: (error: unknown) => Failure,
  call: () => Promise<T>,
  progress: () => number = () => 0,
): Promise<T> {
  for (let failed = 0; ;) {
    const before = progress();
    try {
      return await call();
    } catch (error) {
      if (error instanceof DataError) throw error;
      const why = failure(error);
      const { status, message } = why;
      if (status !== undefined && status >= 400 && status < 500 && status !== 408 && status !== 429) {
        throw refusal(address, status, why, error);
      }
      failed = progress() > before ? 0 : failed + 1;
      if (failed === ATTEMPTS) {
        throw new DataError('UNREACHABLE', `${address} can't be reached: ${message} (${ATTEMPTS} attempts)`, {
          hint: 'check the network and the proxy settings, or copy the data set to a local disk',
          cause: error,
        });
      }
      await delay(FIRST_WAIT_MS * 2 ** Math.max(0, failed - 1));
    }
  }
}

/** What a client says of a failure, without the rest of an answer that it quotes. */
export function firstLine(error: unknown): string {
  const message = (error as { message?: string } | undefined)?.message ?? String(error);
  return message.split('\n')[0];
}

/** Whether an error is of the service, the way to it or the credentials, whatever is read: no record and no picture is bad for it. */
export function isOfService(error: unknown): boolean {
  return error instanceof DataError && (error.code === 'UNREACHABLE' || error.code === 'NO_ACCESS');
}

function refusal(address: string, status: number, { message, anonymous }: Failure, cause: unknown): DataError {
  if (status === 404) return new DataError('NOT_FOUND', `no such bucket, folder or file: ${address}`, { cause });
  // S3 says 400 of credentials that have expired.
  const denied = status === 400 || status === 401 || status === 403;
  const asked = anonymous === undefined ? '' : `it was asked without credentials: ${anonymous}; `;
  return new DataError(denied ? 'NO_ACCESS' : 'UNREADABLE', `${address} can't be read: ${status} ${message}`, {
    hint: denied
      ? `${asked}gs://: set GOOGLE_APPLICATION_CREDENTIALS or run gcloud auth application-default login; s3://: set AWS_PROFILE or the AWS keys`
      : undefined,
    cause,
  });
}
