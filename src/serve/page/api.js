/** @import { AnswerBody, ClassifiedBody, ModelBody } from '../answer-schema.ts' */

/** How often a busy server is asked again. */
const TRIES = 4;

/** Why a photo has no answer, in words for people. */
export class Refusal extends Error {
  /** @param {{ message: string, expected?: string, received?: string, hint?: string }} problem */
  constructor({ message, expected, received, hint }) {
    const detail =
      expected === undefined ? '' : ` Expected ${expected}${received === undefined ? '' : `; it was ${received}`}.`;
    super(`${sentence(message)}${detail}${hint === undefined ? '' : ` ${sentence(hint)}`}`);
  }
}

/** @param {string} text */
const sentence = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith('?') ? '' : '.'}`;

/** @returns {Promise<ModelBody>} */
export async function fetchModel() {
  const response = await fetch('/api/model');
  if (!response.ok) throw new Error(`status ${response.status}`);
  return /** @type {ModelBody} */ (await response.json());
}

/**
 * The model's answer to one photo.
 *
 * @param {Blob | string} photo a file, or an address
 * @returns {Promise<ClassifiedBody>}
 */
export async function classify(photo) {
  const isUrl = typeof photo === 'string';
  const body = isUrl ? JSON.stringify({ url: photo }) : await contentOf(photo);
  const headers = { 'content-type': isUrl ? 'application/json' : 'application/octet-stream' };
  for (let attempt = 1; ; attempt++) {
    const response = await send('/api/predict?explain=true&top=5', { method: 'POST', headers, body });
    if (response.status === 429 && attempt < TRIES) {
      await pause(Number(response.headers.get('retry-after') ?? 1));
      continue;
    }
    const answer = /** @type {AnswerBody | { error: { message: string } }} */ (
      await response.json().catch(() => ({ error: { message: `the server answered with status ${response.status}` } }))
    );
    if ('error' in answer) throw new Refusal(answer.error);
    const [image] = answer.images;
    if ('error' in image) throw new Refusal(image.error);
    return image;
  }
}

/**
 * What is in a file. Sent as it is, one that can't be read would look like a server that is gone.
 *
 * @param {Blob} file
 */
async function contentOf(file) {
  try {
    return await file.arrayBuffer();
  } catch {
    throw new Refusal({ message: 'this file could not be read', hint: 'is it a folder, or has it changed since?' });
  }
}

/**
 * @param {string} path
 * @param {RequestInit} init
 */
async function send(path, init) {
  try {
    return await fetch(path, init);
  } catch {
    throw new Refusal({ message: 'the server could not be reached', hint: 'is it still running?' });
  }
}

/** @param {number} seconds */
const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));
