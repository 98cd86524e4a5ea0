import { connect } from 'node:net';
import type { Outcome, Target } from './case.ts';

interface Answer {
  readonly error?: { readonly code?: string };
  readonly images?: readonly { readonly error?: { readonly code?: string } }[];
}

/** Sends a request through Node's own client. */
export async function send(target: Target, path: string, init: RequestInit): Promise<Outcome> {
  const response = await fetch(target.url + path, init);
  const text = await response.text();
  return { status: response.status, code: codeOf(text) };
}

/** Posts a body to `/api/predict`. */
export async function predict(
  target: Target,
  body: Buffer | string | FormData,
  type?: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  return send(target, '/api/predict', {
    method: 'POST',
    body,
    headers: { ...(type !== undefined && { 'content-type': type }), ...headers },
  });
}

/** Asks for a URL's image. */
export const predictUrl = (target: Target, url: string): Promise<Outcome> =>
  predict(target, JSON.stringify({ url }), 'application/json');

/**
 * Writes bytes to the server's socket as they are, some of them later, and reads its answer to the end; status 0 where
 * it closes the connection without one.
 */
export async function sendRaw(
  { host, port }: Target,
  parts: readonly (string | Buffer | { readonly wait: number })[],
): Promise<Outcome> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect(port, host);
  let text = '';
  socket.setEncoding('latin1');
  socket.on('data', (chunk: string) => {
    text += chunk;
  });
  socket.on('close', () => resolve(text));
  // A server that has answered may cut the rest off.
  socket.on('error', () => resolve(text));
  const timer = setTimeout(() => reject(new Error('the server left the connection open')), 15_000);
  try {
    for (const part of parts) {
      if (typeof part === 'object' && 'wait' in part) await pause(part.wait);
      else if (!socket.destroyed) socket.write(typeof part === 'string' ? Buffer.from(part, 'latin1') : part);
    }
    const answer = await promise;
    const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(answer)?.[1] ?? 0);
    return { status, code: codeOf(answer.slice(answer.indexOf('\r\n\r\n') + 4)) };
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

function codeOf(text: string): string | undefined {
  try {
    const { error, images } = JSON.parse(text) as Answer;
    return error?.code ?? images?.find((image) => image.error !== undefined)?.error?.code;
  } catch {
    return undefined;
  }
}
