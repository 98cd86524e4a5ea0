import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { reasonOf } from '../../base/index.ts';
import { cacheFolder, download, type TransferOptions } from '../../assets/index.ts';
import { isJson, parseTimmConfig, type TimmNetwork } from './timm-network.ts';
import { WeightsError } from './weights-error.ts';

/** A file on Hugging Face's hub: `hf://timm/resnet50.tv_in1k`, with `@REVISION` and `/FILE` where they are not the usual ones. */
export interface HubFile {
  readonly repository: string;
  readonly revision: string;
  readonly file: string;
}

const ADDRESS = /^hf:\/\/(?<repository>[\w.-]+\/[\w.-]+?)(?:@(?<revision>[\w.-]+))?(?:\/(?<file>[\w./-]+))?$/;

/** Undefined for what is no address on the hub. @throws WeightsError `WEIGHTS_ADDRESS` for one that makes no sense. */
export function parseHubAddress(text: string): HubFile | undefined {
  if (!text.startsWith('hf://')) return undefined;
  const groups = ADDRESS.exec(text)?.groups;
  if (groups === undefined || text.includes('..')) {
    throw new WeightsError('WEIGHTS_ADDRESS', `${text} is no file on Hugging Face's hub`, {
      expected: 'hf://OWNER/NAME, hf://OWNER/NAME@REVISION or hf://OWNER/NAME/FILE',
    });
  }
  return {
    repository: groups.repository,
    revision: groups.revision ?? 'main',
    file: groups.file ?? 'model.safetensors',
  };
}

/** The hub's address, or that of a mirror, as Hugging Face's own tools have it. */
const hubUrl = (): string => (process.env.HF_ENDPOINT ?? 'https://huggingface.co').replace(/\/+$/, '');

/** Where the file can be downloaded by hand. */
const hubLink = ({ repository, revision, file }: HubFile): string =>
  `${hubUrl()}/${repository}/resolve/${revision}/${file}`;

/** Where a file that was brought is kept. */
const hubPlace = ({ repository, revision, file }: HubFile): string =>
  join(cacheFolder('weights'), 'hub', ...repository.split('/'), revision, ...file.split('/'));

const SHA256 = /^[0-9a-f]{64}$/;

/** What stands beside weights and says which network they are of. */
const configOf = (wanted: HubFile): HubFile => ({ ...wanted, file: posix.join(posix.dirname(wanted.file), CONFIG) });
const CONFIG = 'config.json';

/** The network of a file that was brought, as timm describes it; undefined where its repository does not. */
export async function hubNetwork(wanted: HubFile): Promise<TimmNetwork | undefined> {
  const place = hubPlace(configOf(wanted));
  return existsSync(place) ? parseTimmConfig(await readFile(place, 'utf8')) : undefined;
}

/**
 * Brings a file from Hugging Face's hub into the cache, unless it is there, and checks it against the SHA-256 that the hub
 * states: so it is the file that its owner put there, whoever that is. What describes its network comes before it.
 *
 * @throws AssetError, WeightsError `WEIGHTS_ADDRESS` for a file that the hub doesn't have, `WEIGHTS_UNAVAILABLE` where it can't
 *   be brought, with the file to put where.
 */
export async function bringFromHub(wanted: HubFile, options: TransferOptions = {}): Promise<string> {
  const place = hubPlace(wanted);
  if (existsSync(place)) return place;
  const { etag, size } = await askHub(wanted);
  const sha256 = etag.replaceAll(/^W\/|"/g, '');
  if (!SHA256.test(sha256)) {
    throw new WeightsError('WEIGHTS_ADDRESS', `the hub has no checksum of ${wanted.repository}/${wanted.file}`, {
      hint: 'only large files have one: is this the file with the weights?',
    });
  }
  await bringConfig(configOf(wanted), options);
  return download({ url: hubLink(wanted), sha256, size }, place, options);
}

async function bringConfig(config: HubFile, { signal }: TransferOptions): Promise<void> {
  const found = await askHub(config).catch((error: unknown) => {
    // Not every repository has one.
    if (error instanceof WeightsError && error.code === 'WEIGHTS_ADDRESS') return undefined;
    throw error;
  });
  if (found === undefined) return;
  const check = async (path: string): Promise<void> => {
    if (!isJson(await readFile(path, 'utf8'))) throw missing(config, 'it is no JSON');
  };
  const version = found.etag.replaceAll(/[^\w-]/g, '');
  await download({ url: hubLink(config), version, size: found.size, check }, hubPlace(config), { signal });
}

async function askHub(wanted: HubFile): Promise<{ etag: string; size: number }> {
  // Only those who ask the hub wait for its client.
  const [{ fileDownloadInfo }, { EnvHttpProxyAgent, fetch }] = await Promise.all([
    import('@huggingface/hub'),
    import('undici'),
  ]);
  const agent = new EnvHttpProxyAgent();
  try {
    const info = await fileDownloadInfo({
      repo: wanted.repository,
      revision: wanted.revision,
      path: wanted.file,
      hubUrl: hubUrl(),
      // Follows the proxy settings, as downloads do.
      fetch: ((url: string, init: object) =>
        fetch(url, { ...init, dispatcher: agent })) as unknown as typeof globalThis.fetch,
    });
    if (info !== null) return info;
  } catch (cause) {
    const status = cause instanceof Error && 'statusCode' in cause ? Number(cause.statusCode) : undefined;
    if (status === undefined || status >= 500) throw unavailable(wanted, cause);
    throw missing(wanted, `the hub answered ${status}`, cause);
  } finally {
    await agent.destroy();
  }
  throw missing(wanted, 'there is no such file');
}

function unavailable(wanted: HubFile, cause: unknown): WeightsError {
  return new WeightsError('WEIGHTS_UNAVAILABLE', `can't reach ${hubUrl()}: ${reasonOf(cause)}`, {
    hint: `on a machine with internet download ${hubLink(wanted)}, then put the file at ${hubPlace(wanted)}, with its ${CONFIG} beside it, or give it as --weights FILE`,
    cause,
  });
}

const missing = ({ repository, revision, file }: HubFile, why: string, cause?: unknown): WeightsError =>
  new WeightsError('WEIGHTS_ADDRESS', `can't bring ${file} of ${repository} at ${revision}: ${why}`, {
    hint: 'check the name; a file that only its owner may read is downloaded by hand and given as --weights FILE',
    cause,
  });
