import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** A server program that Go builds from its module proxy. */
export interface GoServer {
  /** Package of the program. */
  readonly path: string;
  readonly version: string;
  readonly args: (port: number) => readonly string[];
}

const programOf = ({ path, version }: GoServer): string =>
  join(tmpdir(), 'sepal-test-tools', version, basename(path) + (process.platform === 'win32' ? '.exe' : ''));

/** Builds the server where it isn't there yet; the reason why there is none. */
export function install(server: GoServer): string | undefined {
  const program = programOf(server);
  if (existsSync(program)) return undefined;
  const env = { ...process.env, GOBIN: join(program, '..') };
  const command = ['install', `${server.path}@${server.version}`];
  const { status, error, stderr } = spawnSync('go', command, { env, timeout: 300_000 });
  if (existsSync(program)) return undefined;
  const reason = error?.message ?? `status ${status}: ${String(stderr).trim().split('\n').at(-1)}`;
  return `needs ${server.path}, which Go can't build here (${reason})`;
}

export interface RunningServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Starts the server on a free port of this machine; resolves when it answers. */
export async function start(server: GoServer): Promise<RunningServer> {
  const port = await freePort();
  const child = spawn(programOf(server), server.args(port), { stdio: 'ignore' });
  // A program that can't be started never exits.
  const exited = Promise.race([once(child, 'exit'), once(child, 'error')]);
  for (let tries = 0; tries < 200; tries++) {
    const answer = await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined);
    if (answer !== undefined) break;
    await delay(50);
  }
  return {
    port,
    close: async () => {
      child.kill();
      await exited;
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
