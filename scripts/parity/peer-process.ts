import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { UsageError } from '../../src/base/index.ts';

const VENV_PYTHON = join(import.meta.dirname, '..', '..', '.venv', 'bin', 'python');

/** What `peers.py` takes. */
export interface PeerRequest {
  readonly peer: string;
  readonly name: string;
  readonly size: number;
  readonly classes: number;
  readonly action: 'save' | 'load';
  readonly file: string;
  readonly pixels: string;
}

/** A Python process with the networks of the other projects, which answers one request at a time. */
export class PeerProcess {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #interface: Interface;

  constructor() {
    const python = process.env.SEPAL_BENCH_PYTHON ?? VENV_PYTHON;
    if (!existsSync(python)) {
      throw new UsageError('NO_PEER_PYTHON', `there is no Python at ${python}`, {
        hint: 'make one: python3 -m venv .venv && .venv/bin/pip install keras tensorflow-cpu torch torchvision timm safetensors',
      });
    }
    const child = spawn(python, [join(import.meta.dirname, 'peers.py')], { stdio: ['pipe', 'pipe', 'ignore'] });
    this.#child = child;
    this.#interface = createInterface({ input: child.stdout });
    this.#lines = this.#interface[Symbol.asyncIterator]();
  }

  /** Logits of the other project's network. */
  async ask(request: PeerRequest): Promise<number[]> {
    this.#child.stdin?.write(`${JSON.stringify(request)}\n`);
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error(`the Python process ended with status ${this.#child.exitCode}`);
    const answer = JSON.parse(value) as { logits?: number[]; error?: string };
    if (answer.logits === undefined) throw new Error(answer.error);
    return answer.logits;
  }

  close(): void {
    this.#interface.close();
    this.#child.stdin?.end();
  }
}
