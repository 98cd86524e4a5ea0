import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Backend } from '../../src/runtime/index.ts';
import { startServer } from '../../src/serve/index.ts';
import { writeUntrainedRun } from '../untrained-run.ts';
import type { HostileCase, Outcome, Target } from './case.ts';
import { startHostileWeb } from './hostile-web.ts';
import { IMAGE_CASES } from './image-cases.ts';
import { REQUEST_CASES } from './request-cases.ts';
import { predictUrl } from './send.ts';
import { URL_CASES } from './url-cases.ts';

export const HOSTILE_CASES: readonly HostileCase[] = [...URL_CASES, ...IMAGE_CASES, ...REQUEST_CASES];

/** The only address that the server may fetch from, though it is not public. */
const ALLOWED = '127.0.0.2';
const FORBIDDEN = '127.0.0.3';

/** Limits that are met within seconds. */
const LIMITS = { imagesPerSecond: 0, imageBytes: 2 * 2 ** 20, headerSeconds: 1, bodySeconds: 2, fetchSeconds: 1.5 };

/** A server with what attacks it; each case may be run on it. */
export interface HostileRun extends AsyncDisposable {
  readonly target: Target;
  /** Runs a case, then asks the server for an image that is fine. */
  run(hostile: HostileCase): Promise<{ readonly outcome: Outcome; readonly alive: boolean }>;
  /** Requests that reached the address that the server must not fetch from. */
  readonly leaked: readonly string[];
}

/** Starts a server with a small model, and two web servers for its URLs. */
export async function startHostileRun(backend: Backend): Promise<HostileRun> {
  const folder = await mkdtemp(join(tmpdir(), 'sepal-hostile-'));
  const web = await startHostileWeb(ALLOWED);
  const forbidden = await startHostileWeb(FORBIDDEN, web.port);
  let lookups = 0;
  const names: Readonly<Record<string, () => readonly string[]>> = {
    'mixed.test': () => ['93.184.215.14', '10.0.0.1'],
    'six.test': () => ['::1'],
    'rebinding.test': () => [lookups++ === 0 ? ALLOWED : FORBIDDEN],
    localhost: () => ['127.0.0.1'],
    'localhost.': () => ['127.0.0.1'],
  };
  const server = await startServer({
    backend,
    runs: [await writeUntrainedRun(join(folder, 'run'))],
    version: '0.0.0',
    port: 0,
    batchSizes: [1, 4],
    allowedRanges: [ALLOWED],
    safeFormatsOnly: true,
    limits: LIMITS,
    resolve: async (host) => {
      const addresses = names[host]?.();
      if (addresses === undefined) throw new Error(`no such name: ${host}`);
      return addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    },
  });
  const { hostname, port } = new URL(server.url);
  const target: Target = {
    url: server.url,
    host: hostname,
    port: Number(port),
    web: web.url,
    forbiddenWeb: forbidden.url,
  };
  return {
    target,
    leaked: forbidden.requests,
    run: async (hostile) => {
      const outcome = await hostile.attack(target);
      const { status } = await predictUrl(target, `${web.url}/image`);
      return { outcome, alive: status === 200 };
    },
    [Symbol.asyncDispose]: async () => {
      await server.close();
      await web.close();
      await forbidden.close();
      await rm(folder, { recursive: true });
    },
  };
}
