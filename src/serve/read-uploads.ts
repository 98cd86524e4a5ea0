import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { settingProblem } from '../base/index.ts';
import type { ByteAccount } from './byte-budget.ts';
import type { Limits } from './limits.ts';
import { readMultipart } from './multipart.ts';
import { readBody } from './read-body.ts';
import { ServeError } from './serve-error.ts';
import { tooManyImages, type Upload } from './upload.ts';

/** JSON bodies hold nothing but URLs. */
const JSON_BYTES = 64 * 1024;

/** The body that names images by URL. */
export const urlBodySchema = z.union([
  z.strictObject({ url: z.string().describe('address of an image, http or https') }),
  z.strictObject({ urls: z.array(z.string()).min(1).describe('addresses of several images') }),
]);

type Take = (
  request: IncomingMessage,
  limits: Limits,
  account: ByteAccount,
) => Promise<readonly Upload[]> | readonly Upload[];

/** How a body is read, by its content type. */
const READERS: readonly (readonly [type: RegExp, take: Take])[] = [
  [/^multipart\/form-data$/, readMultipart],
  [/^application\/json$/, readUrls],
  [/^(?:image\/[\w.+-]+|application\/octet-stream)$/, readRaw],
];

/**
 * The images of a request.
 *
 * @throws ServeError for a body that is malformed, too large, of another type, or without an image.
 */
export async function readUploads(request: IncomingMessage, limits: Limits, account: ByteAccount): Promise<Upload[]> {
  const type = (request.headers['content-type'] ?? '').split(';')[0].trim().toLowerCase();
  const take = READERS.find(([pattern]) => pattern.test(type))?.[1];
  if (take === undefined) {
    throw new ServeError('UNSUPPORTED_TYPE', 'this content type is not taken', {
      expected: 'multipart/form-data, application/json, image/* or application/octet-stream',
      received: type === '' ? 'none' : type.slice(0, 60),
    });
  }
  const uploads = [...(await take(request, limits, account))];
  if (uploads.length === 0) throw new ServeError('NO_IMAGE', 'there is no image in the request');
  return uploads;
}

async function readRaw(request: IncomingMessage, limits: Limits, account: ByteAccount): Promise<Upload[]> {
  const bytes = await readBody(request, limits.imageBytes, account);
  return bytes.length === 0 ? [] : [{ name: '', source: bytes }];
}

async function readUrls(request: IncomingMessage, limits: Limits, account: ByteAccount): Promise<Upload[]> {
  const bytes = await readBody(request, JSON_BYTES, account);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new ServeError('BAD_REQUEST', 'the body is no JSON', { cause });
  }
  const body = urlBodySchema.safeParse(value);
  if (!body.success) {
    const { message } = settingProblem(urlBodySchema, value, body.error, 'the body');
    throw new ServeError('BAD_REQUEST', message.slice(0, 200), { expected: '{"url": "https://…"}' });
  }
  const urls = 'url' in body.data ? [body.data.url] : body.data.urls;
  if (urls.length > limits.images) throw tooManyImages(limits.images);
  return urls.map((url) => ({ name: url, source: { url } }));
}
