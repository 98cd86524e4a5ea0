import type { IncomingMessage } from 'node:http';
import { Busboy, type BusboyFileStream, type BusboyInstance } from '@fastify/busboy';
import { formatBytes } from '../base/index.ts';
import type { ByteAccount } from './byte-budget.ts';
import type { Limits } from './limits.ts';
import { bodyChunks } from './read-body.ts';
import { ServeError } from './serve-error.ts';
import { tooManyImages, type Upload } from './upload.ts';

/** Longer file names are cut: they are only shown. */
const MAX_NAME = 200;

/**
 * The images of a `multipart/form-data` body: its files, whatever their fields are called, and its fields `url`.
 *
 * @throws ServeError `BAD_REQUEST`, `TOO_LARGE` (the whole body) or `TOO_MANY_IMAGES`; a file that is too large by
 * itself becomes an upload with that error.
 */
export async function readMultipart(
  request: IncomingMessage,
  limits: Pick<Limits, 'bodyBytes' | 'imageBytes' | 'images'>,
  account: ByteAccount,
): Promise<Upload[]> {
  const uploads: Promise<Upload>[] = [];
  const { promise: finished, resolve, reject } = Promise.withResolvers<void>();
  // Whoever waits for it may do so only after it has failed.
  finished.catch(() => {});
  const parser = openParser(request, limits);
  parser.on('file', (_field, stream, name) => {
    uploads.push(collect(stream, (name ?? '').slice(0, MAX_NAME), limits.imageBytes));
  });
  parser.on('field', (field, value, _nameCut, valueCut) => {
    if (field !== 'url') return;
    const long = new ServeError('BAD_URL', 'this URL is not taken', { expected: 'a shorter one' });
    const name = value.slice(0, MAX_NAME);
    uploads.push(Promise.resolve({ name, source: valueCut ? long : { url: value } }));
  });
  for (const event of ['filesLimit', 'fieldsLimit', 'partsLimit'] as const) {
    parser.on(event, () => reject(tooManyImages(limits.images)));
  }
  parser.on('finish', resolve);
  parser.on('error', (cause) => reject(malformed(cause)));
  try {
    for await (const chunk of bodyChunks(request, limits.bodyBytes, account)) parser.write(chunk);
    parser.end();
    await finished;
  } finally {
    parser.destroy();
  }
  if (uploads.length > limits.images) throw tooManyImages(limits.images);
  return Promise.all(uploads);
}

function openParser(
  request: IncomingMessage,
  { imageBytes, images }: Pick<Limits, 'imageBytes' | 'images'>,
): BusboyInstance {
  try {
    const type = request.headers['content-type'] ?? '';
    return new Busboy({
      headers: { ...request.headers, 'content-type': type },
      limits: {
        files: images,
        fields: images,
        parts: 2 * images,
        fileSize: imageBytes + 1,
        fieldSize: 4096,
        fieldNameSize: 100,
        headerPairs: 32,
        headerSize: 8192,
      },
    });
  } catch (cause) {
    throw malformed(cause);
  }
}

/** One file; never rejects, as nobody may be there to hear it. */
async function collect(stream: BusboyFileStream, name: string, limit: number): Promise<Upload> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  } catch (cause) {
    return { name, source: malformed(cause) };
  }
  const bytes = Buffer.concat(chunks);
  const expected = `at most ${formatBytes(limit)}`;
  return {
    name,
    source: bytes.length <= limit ? bytes : new ServeError('TOO_LARGE', 'this image is too large', { expected }),
  };
}

const malformed = (cause: unknown): ServeError =>
  new ServeError('BAD_REQUEST', 'the multipart body is malformed', {
    received: cause instanceof Error ? cause.message.slice(0, 100) : undefined,
    cause,
  });
