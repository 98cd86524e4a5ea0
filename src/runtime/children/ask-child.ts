import { fork } from 'node:child_process';
import { extname, join } from 'node:path';

export interface AskOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** Milliseconds after which the child is killed. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
}

/** What came of it. */
export interface ChildAnswer<T> {
  /** Undefined where the child ended without one. */
  readonly result: T | undefined;
  /** The signal or the exit status that ended it. */
  readonly ended: string;
  /** What it wrote to stderr. */
  readonly said: string;
}

/**
 * Starts a program of this room in a process of its own, sends it one request, and waits for its one answer and its end.
 *
 * Never rejects for what the child does; throws the signal's reason after an abort, when the child has been killed.
 */
export async function askChild<T>(program: string, request: object, options: AskOptions = {}): Promise<ChildAnswer<T>> {
  const { env, timeout, signal } = options;
  signal?.throwIfAborted();
  // This file's own extension: .ts in the source, .js once built.
  const child = fork(join(import.meta.dirname, `${program}${extname(import.meta.filename)}`), {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env,
    timeout,
    killSignal: 'SIGKILL',
    // Flags of this process, such as -e, mean something else there.
    execArgv: [],
  });
  const kill = () => child.kill('SIGKILL');
  signal?.addEventListener('abort', kill, { once: true });
  let result: T | undefined;
  let said = '';
  child.on('message', (message) => (result = message as T));
  child.stderr?.on('data', (text) => (said += text));
  // A child that is gone already has ended, which is told below.
  child.send(request, () => {});
  const end = Promise.withResolvers<string>();
  child.once('error', (error) => end.resolve(error.message));
  child.once('close', (code, name) => end.resolve(name ?? `exit status ${code}`));
  const ended = await end.promise;
  signal?.removeEventListener('abort', kill);
  signal?.throwIfAborted();
  return { result, ended, said };
}
