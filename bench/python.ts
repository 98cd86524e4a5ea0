import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { UsageError } from '../src/base/index.ts';

export const VENV = join(import.meta.dirname, '..', '.venv');
const PYTHON = process.platform === 'win32' ? join(VENV, 'Scripts', 'python.exe') : join(VENV, 'bin', 'python');

/** The Python that runs the peers: `SEPAL_BENCH_PYTHON`, else the one that `npm run bench -- setup` made. */
export function findPython(): string {
  const given = process.env.SEPAL_BENCH_PYTHON;
  if (given !== undefined && given !== '') return given;
  if (existsSync(PYTHON)) return PYTHON;
  throw new UsageError('NO_BENCH_PYTHON', 'the peers need a Python with their packages', {
    hint: 'run npm run bench -- setup, or set SEPAL_BENCH_PYTHON to a python that has them',
  });
}

/** Runs a script of `bench/peers` and parses the last line that it prints. */
export async function runPeer(script: string, args: readonly string[], signal?: AbortSignal): Promise<unknown> {
  const path = join(import.meta.dirname, 'peers', script);
  const { stdout } = await execa(findPython(), [path, ...args], {
    env: peerEnvironment(),
    extendEnv: false,
    cancelSignal: signal,
  });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
}

/** Some machines tell OpenBLAS to run as on a lesser processor; that would slow the peers only. */
export function peerEnvironment(): NodeJS.ProcessEnv {
  const { OPENBLAS_CORETYPE: _, OPENBLAS_L2_SIZE: __, ...rest } = process.env;
  return rest;
}
