import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { ROOT } from './commands.ts';

/** What of the project stands in a checkout, as links. */
const LINKED = ['.ci', 'package.json', 'package-lock.json', 'src', 'scripts', 'bench', 'test', 'recipes', 'docs', 'node_modules']; // prettier-ignore

/** Milliseconds that a command may take: far more than it does. */
const LONGEST = 240_000;

export interface Outcome {
  /** The signal's name where one ended it. */
  readonly status: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder that looks like a fresh clone of the project, in which command lines are run by bash. */
export class Checkout {
  readonly folder: string;
  readonly #env: NodeJS.ProcessEnv;
  #server: ChildProcess | undefined;
  /** Of the server that was started last. */
  url: string | undefined;

  private constructor(folder: string, env: NodeJS.ProcessEnv) {
    this.folder = folder;
    this.#env = env;
  }

  static async create(folder: string, env: NodeJS.ProcessEnv = {}): Promise<Checkout> {
    const bin = join(folder, '.bin');
    await mkdir(bin, { recursive: true });
    for (const name of LINKED) await symlink(join(ROOT, name), join(folder, name));
    await writeFile(
      join(bin, 'sepal'),
      `#!/bin/sh\nexec '${process.execPath}' '${join(ROOT, 'src/cli/main.ts')}' "$@"\n`,
    );
    await chmod(join(bin, 'sepal'), 0o755);
    // The Node of this process, for npm and for scripts alike.
    const path = [bin, dirname(process.execPath), process.env.PATH].join(delimiter);
    const own = { PATH: path, NODE_NO_WARNINGS: '1', npm_config_update_notifier: 'false' };
    return new Checkout(folder, { ...process.env, ...own, ...env });
  }

  /** Runs a line to its end. */
  async run(line: string): Promise<Outcome> {
    const child = this.#spawn(line);
    const timeout = setTimeout(() => process.kill(-child.pid!, 'SIGKILL'), LONGEST);
    const outputs = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name]!.setEncoding('utf8').on('data', (text: string) => {
        outputs[name] += text;
      });
    }
    const [status, signal] = (await once(child, 'close')) as [number, null] | [null, string];
    clearTimeout(timeout);
    return { status: status ?? signal, ...outputs };
  }

  /** Starts a server, which prints its address, in place of the one before. */
  async serve(line: string): Promise<string> {
    await this.stopServer();
    const child = this.#spawn(`exec ${line}`);
    this.#server = child;
    let text = '';
    let errors = '';
    child.stderr!.setEncoding('utf8').on('data', (chunk: string) => {
      errors += chunk;
    });
    for await (const chunk of child.stdout!.setEncoding('utf8')) {
      text += String(chunk);
      const url = /^http:\S+$/m.exec(text)?.[0];
      if (url !== undefined && text.endsWith('\n')) return (this.url = url);
    }
    throw new Error(`${line} ended before it served: ${errors}`);
  }

  /** Ends the server and what started it by SIGTERM. @throws where it doesn't end in order. */
  async stopServer(): Promise<void> {
    const child = this.#server;
    if (child?.pid === undefined) return;
    this.#server = undefined;
    this.url = undefined;
    const closed = once(child, 'close');
    process.kill(-child.pid, 'SIGTERM');
    const [status] = (await closed) as [number | null];
    // npm has a status of its own.
    if (status !== 0 && child.spawnargs.every((word) => !word.includes('npm run'))) throw new Error(`the server ended with status ${status}`); // prettier-ignore
  }

  #spawn(line: string): ChildProcess {
    return spawn('bash', ['-o', 'pipefail', '-c', line], {
      cwd: this.folder,
      env: this.#env,
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, which gets signals as that of a terminal does.
      detached: true,
    });
  }
}
