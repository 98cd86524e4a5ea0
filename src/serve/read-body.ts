import type { IncomingMessage } from 'node:http';
import { formatBytes } from '../base/index.ts';
import type { ByteAccount } from './byte-budget.ts';
import { ServeError } from './serve-error.ts';

/**
 * A request's body as it arrives. It ends with an error as soon as it is longer than `limit`, or where it breaks off.
 *
 * @throws ServeError `TOO_LARGE`, `BUSY`, `UNSUPPORTED_TYPE` (a compressed body) or `BAD_REQUEST`.
 */
export async function* bodyChunks(
  request: IncomingMessage,
  limit: number,
  account: ByteAccount,
): AsyncGenerator<Buffer, void, void> {
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    throw new ServeError('UNSUPPORTED_TYPE', 'a compressed body is not taken', { expected: 'no Content-Encoding' });
  }
  if (Number(request.headers['content-length'] ?? 0) > limit) throw tooLarge(limit);
  let bytes = 0;
  try {
    // A body that is too long is answered, so its connection must outlive the reading.
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > limit) throw tooLarge(limit);
      account.take(chunk.length);
      yield chunk;
    }
  } catch (cause) {
    if (cause instanceof ServeError) throw cause;
    throw new ServeError('BAD_REQUEST', 'the body broke off', { cause });
  }
}

/** A request's whole body. */
export async function readBody(request: IncomingMessage, limit: number, account: ByteAccount): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of bodyChunks(request, limit, account)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const tooLarge = (limit: number): ServeError =>
  new ServeError('TOO_LARGE', 'the body is too large', { expected: `at most ${formatBytes(limit)}` });
