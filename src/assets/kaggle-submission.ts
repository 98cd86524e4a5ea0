import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { isSystemError, jsonText, reasonOf } from '../base/index.ts';
import { AssetError } from './asset-error.ts';

const tokenSchema = z.object({ username: z.string().min(1), key: z.string().min(1) });

/** Credentials for Kaggle's API. */
export type KaggleToken = Readonly<z.output<typeof tokenSchema>>;

/** Where an upload goes, and by what it is handed in. */
const placeSchema = z.object({ token: z.string().min(1), createUrl: z.url({ protocol: /^https?$/ }) });

/** What Kaggle says of anything. */
const messageSchema = z.object({ message: z.string().min(1) });

/** Address of Kaggle's API. */
export const KAGGLE_API = 'https://www.kaggle.com/api/v1';
const HINT =
  'make one on Kaggle (Settings, API, Create New Token) and put it there, or set KAGGLE_USERNAME and KAGGLE_KEY';

/**
 * The token where Kaggle's own tool looks for it: `KAGGLE_USERNAME` and `KAGGLE_KEY`, else `kaggle.json` in
 * `KAGGLE_CONFIG_DIR` or `~/.kaggle`.
 *
 * @throws AssetError `NO_KAGGLE_TOKEN`.
 */
export async function readKaggleToken(environment: NodeJS.ProcessEnv = process.env): Promise<KaggleToken> {
  const { KAGGLE_USERNAME: username = '', KAGGLE_KEY: key = '', KAGGLE_CONFIG_DIR: folder } = environment;
  if (username !== '' && key !== '') return { username, key };
  const path = join(folder ?? join(homedir(), '.kaggle'), 'kaggle.json');
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    const what = isSystemError(cause, 'ENOENT') ? `there is no Kaggle token ${path}` : `can't read ${path}`;
    throw new AssetError('NO_KAGGLE_TOKEN', what, { hint: HINT, cause });
  }
  const token = jsonText.pipe(tokenSchema).safeParse(text);
  if (token.success) return token.data;
  throw new AssetError('NO_KAGGLE_TOKEN', `${path} is no Kaggle token`, {
    expected: '{"username": "…", "key": "…"}',
    hint: HINT,
  });
}

/** The header by which Kaggle knows who asks. */
export const kaggleAuthorization = ({ username, key }: KaggleToken): string =>
  `Basic ${Buffer.from(`${username}:${key}`).toString('base64')}`;

/** A file for a competition, and the account that hands it in. */
export interface KaggleSubmission {
  readonly competition: string;
  /** The name that Kaggle lists. */
  readonly file: string;
  readonly content: string;
  readonly message: string;
  readonly token: KaggleToken;
  /** Of the API; for tests. */
  readonly api?: string;
  readonly signal?: AbortSignal;
}

/**
 * Submits a file to a competition: asks for a place to upload to, uploads, and hands the upload in.
 *
 * @returns Kaggle's answer.
 * @throws AssetError `KAGGLE` with what Kaggle said.
 */
export async function submitToKaggle(submission: KaggleSubmission): Promise<string> {
  const { competition, file, content, message, token, api = KAGGLE_API, signal } = submission;
  const { EnvHttpProxyAgent, fetch, FormData } = await import('undici');
  const agent = new EnvHttpProxyAgent();
  const authorization = kaggleAuthorization(token);
  const body = Buffer.from(content);
  const form = (fields: Readonly<Record<string, string>>): InstanceType<typeof FormData> => {
    const data = new FormData();
    for (const [name, value] of Object.entries(fields)) data.set(name, value);
    return data;
  };
  const request = async (step: string, url: string, init: Parameters<typeof fetch>[1]) => {
    const response = await fetch(url, { ...init, dispatcher: agent, signal }).catch((cause: unknown) => {
      signal?.throwIfAborted();
      throw new AssetError('KAGGLE', `Kaggle can't be reached to ${step}: ${reasonOf(cause)}`, {
        hint: NETWORK,
        cause,
      });
    });
    const text = await response.text().catch((cause: unknown) => {
      signal?.throwIfAborted();
      throw new AssetError('KAGGLE', `Kaggle broke off when asked to ${step}: ${reasonOf(cause)}`, {
        hint: AGAIN,
        cause,
      });
    });
    if (response.ok) return text;
    throw new AssetError('KAGGLE', `Kaggle refused to ${step}: ${response.status} ${said(text)}`, {
      hint: HINTS[response.status],
    });
  };
  try {
    const slug = encodeURIComponent(competition);
    const step = 'take a submission';
    const url = `${api}/competitions/${slug}/submissions/url/${body.length}/${Date.now()}`;
    const text = await request(step, url, {
      method: 'POST',
      headers: { authorization },
      body: form({ fileName: basename(file) }),
    });
    const { success, data: place } = jsonText.pipe(placeSchema).safeParse(text);
    if (!success) {
      throw new AssetError('KAGGLE', `Kaggle named no place to upload to when asked to ${step}`, {
        expected: '{"token": "…", "createUrl": "https://…"}',
        received: said(text) || 'an empty answer',
        hint: AGAIN,
      });
    }
    // The place is signed by itself, and belongs to a store that must not see the token.
    await request('store the file', place.createUrl, { method: 'PUT', body });
    const answer = await request('hand the file in', `${api}/competitions/submissions/submit/${slug}`, {
      method: 'POST',
      headers: { authorization },
      body: form({ blobFileTokens: place.token, submissionDescription: message }),
    });
    const { data } = jsonText.pipe(messageSchema).safeParse(answer);
    if (data !== undefined) return data.message;
    throw new AssetError('KAGGLE', `Kaggle has the file, and didn't say whether it counts`, {
      expected: '{"message": "…"}',
      received: said(answer) || 'an empty answer',
      hint: 'look at the list of submissions on the competition’s page before you submit again',
    });
  } finally {
    await agent.destroy();
  }
}

const HINTS: Readonly<Record<number, string>> = {
  401: 'the token may be old: make a new one on Kaggle',
  403: "accept the competition's rules on Kaggle first; is it still open?",
  404: 'the competition is named by the last part of its address',
};

const NETWORK = 'check the network and the proxy settings (HTTPS_PROXY), or upload the file on the competition’s page';
const AGAIN = 'submit again, or upload the file on the competition’s page';

/** The message of an answer in JSON, or the beginning of its text: a server in between may answer with a page. */
function said(text: string): string {
  const { data } = jsonText.pipe(messageSchema).safeParse(text);
  const shown = data?.message ?? text;
  return shown.trim().split('\n')[0].slice(0, 200);
}
