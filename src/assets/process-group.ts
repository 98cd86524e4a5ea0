import type { Options, ResultPromise } from 'execa';

/** Only an install runs processes; loading it with the room would cost every other start a tenth of a second. */
export const loadExeca = () => import('execa');

/** Milliseconds that processes have to end before they are killed. */
const GRACE = 2000;

/**
 * Runs a program and waits for it and for all that it started.
 *
 * An abort, or the end of this process, ends the whole group: pip is often a wrapper (pyenv, uv, pipx) whose child does
 * the work and would go on downloading without it.
 *
 * @throws ExecaError where the program fails or is ended.
 */
export async function runGroup(
  [file, ...args]: readonly string[],
  env: Record<string, string>,
  signal?: AbortSignal,
): Promise<void> {
  const { execa } = await loadExeca();
  signal?.throwIfAborted();
  const options: Options = { env, stdin: 'ignore', detached: process.platform !== 'win32' };
  const child: ResultPromise = execa(file, args, options);
  const end = () => endGroup(child, 'SIGTERM');
  let force: NodeJS.Timeout | undefined;
  const abort = () => {
    end();
    force = setTimeout(() => endGroup(child, 'SIGKILL'), GRACE);
  };
  signal?.addEventListener('abort', abort, { once: true });
  process.once('exit', end);
  try {
    await child;
  } finally {
    process.off('exit', end);
    signal?.removeEventListener('abort', abort);
    clearTimeout(force);
  }
}

function endGroup(child: ResultPromise, name: 'SIGTERM' | 'SIGKILL'): void {
  if (child.pid === undefined) return;
  try {
    if (process.platform === 'win32') child.kill(name);
    else process.kill(-child.pid, name);
  } catch {
    // The group is gone already.
  }
}
