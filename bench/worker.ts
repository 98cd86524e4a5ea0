import { execa, type ResultPromise } from 'execa';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { InternalError } from '../src/base/index.ts';
import { memorySettings } from '../src/cli/memory-settings.ts';
import { findPython, peerEnvironment } from './python.ts';

/** A system that runs steps, and the process that it runs them in. */
export interface System {
  readonly name: string;
  /** The cases that it has. */
  readonly cases: readonly StepCase[];
  /** Models that it doesn't have. */
  readonly lacks?: readonly string[];
}

export type StepCase = 'train' | 'inference';

/** What a step is measured on. */
export interface StepShape {
  readonly case: StepCase;
  readonly model: string;
  readonly size: number;
  readonly batch: number;
  /** Processors that the system may use; all of them unless given. */
  readonly threads?: number;
}

export const SEPAL = 'sepal';

export const SYSTEMS: readonly System[] = [
  { name: SEPAL, cases: ['train', 'inference'] },
  { name: 'keras-tensorflow', cases: ['train', 'inference'], lacks: ['efficientnet-lite0'] },
  { name: 'torch', cases: ['train', 'inference'] },
  { name: 'keras-jax', cases: ['train', 'inference'], lacks: ['efficientnet-lite0'] },
  { name: 'onnxruntime', cases: ['inference'] },
];

const Ready = z.object({ system: z.string(), firstSeconds: z.number() });
const Step = z.object({ seconds: z.number(), cpuSeconds: z.number() });
/** Seconds of one step, on the clock and of all processors together. */
export type StepTime = z.output<typeof Step>;
const Done = z.object({ peakRssBytes: z.number() });

/** A process of one system that runs a step whenever it is told to. */
export class Worker {
  /** Name and version. */
  readonly system: string;
  /** From the start of the process to the end of the first step. */
  readonly startSeconds: number;
  readonly #process: ResultPromise;
  readonly #lines: AsyncIterator<string>;

  private constructor(process: ResultPromise, lines: AsyncIterator<string>, system: string, startSeconds: number) {
    this.#process = process;
    this.#lines = lines;
    this.system = system;
    this.startSeconds = startSeconds;
  }

  /** Starts a process and waits until it has warmed up. `cache` is Sepal's folder of compiled programs. */
  static async start(system: string, shape: StepShape, cache?: string): Promise<Worker> {
    const { case: name, model, size, batch } = shape;
    const started = performance.now();
    const args = [name, model, `${size}`, `${batch}`];
    const [command, env] =
      system === SEPAL
        ? [[process.execPath, join(import.meta.dirname, 'step-sepal.ts'), ...args, ...(cache === undefined ? [] : [cache])], sepalEnvironment()] // prettier-ignore
        : [[findPython(), join(import.meta.dirname, 'peers', 'step.py'), system, ...args], peerEnvironment()];
    const [file, ...rest] = [...onProcessors(shape.threads), ...command];
    const child = execa(file, rest, { env, extendEnv: false, stderr: 'ignore' });
    // Whoever waits for a line gets the error.
    child.catch(() => {});
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const ready = Ready.parse(await nextLine(lines, child));
    const startSeconds = (performance.now() - started) / 1000;
    return new Worker(child, lines, ready.system, startSeconds);
  }

  async step(): Promise<StepTime> {
    this.#process.stdin!.write('step\n');
    return Step.parse(await nextLine(this.#lines, this.#process));
  }

  /** Ends the process; returns the peak of its resident memory in bytes. */
  async finish(): Promise<number> {
    this.#process.stdin!.end();
    const { peakRssBytes } = Done.parse(await nextLine(this.#lines, this.#process));
    await this.#process;
    return peakRssBytes;
  }
}

/** As the command line sets it for itself. */
function sepalEnvironment(): NodeJS.ProcessEnv {
  return {
    ...process.env,
    GLIBC_TUNABLES: memorySettings(['train']),
    NODE_COMPILE_CACHE: join(tmpdir(), 'node-compile-cache'),
  };
}

/**
 * What goes before a command so that it runs on this many processors. All systems count the processors that they may use and start
 * as many threads; their own settings for it don't reach all of their threads.
 */
function onProcessors(threads: number | undefined): string[] {
  return threads === undefined ? [] : ['taskset', '--cpu-list', `0-${threads - 1}`];
}

/** The next line of JSON; what libraries print besides is left out. */
async function nextLine(lines: AsyncIterator<string>, child: ResultPromise): Promise<unknown> {
  for (;;) {
    const { value, done } = await lines.next();
    if (done === true) {
      await child;
      throw new InternalError('a process of the benchmark ended too early');
    }
    if (value.startsWith('{')) return JSON.parse(value);
  }
}
