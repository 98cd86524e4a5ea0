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
  /** What it runs on here. */
  readonly devices: readonly StepDevice[];
}

export const STEP_DEVICES = ['cpu', 'cuda'] as const;
export type StepDevice = (typeof STEP_DEVICES)[number];
export const STEP_PRECISIONS = ['float32', 'mixed_bfloat16'] as const;
export type StepPrecision = (typeof STEP_PRECISIONS)[number];

export const STEP_CASES = ['train', 'inference'] as const;
export type StepCase = (typeof STEP_CASES)[number];

/** What a step is measured on. */
export interface StepShape {
  readonly case: StepCase;
  readonly model: string;
  readonly size: number;
  readonly batch: number;
  readonly device: StepDevice;
  readonly precision: StepPrecision;
  /** Processors that the system may use; all of them unless given. */
  readonly threads?: number;
}

export const SEPAL = 'sepal';

export const SYSTEMS: readonly System[] = [
  { name: SEPAL, cases: ['train', 'inference'], devices: ['cpu', 'cuda'] },
  { name: 'keras-tensorflow', cases: ['train', 'inference'], lacks: ['efficientnet-lite0'], devices: ['cpu'] },
  { name: 'torch', cases: ['train', 'inference'], devices: ['cpu', 'cuda'] },
  { name: 'torch-compile', cases: ['train', 'inference'], devices: ['cuda'] },
  { name: 'keras-jax', cases: ['train', 'inference'], lacks: ['efficientnet-lite0'], devices: ['cpu', 'cuda'] },
  { name: 'onnxruntime', cases: ['inference'], devices: ['cpu'] },
];

const Ready = z.object({ system: z.string(), firstSeconds: z.number(), accelerator: z.string().optional() });
const Step = z.object({ seconds: z.number(), cpuSeconds: z.number() });
/** Seconds of one step, on the clock and of all processors together. */
export type StepTime = z.output<typeof Step>;
const Done = z.object({ peakRssBytes: z.number(), peakDeviceBytes: z.number().optional() });
/** The most memory in use at one time, in bytes: of the process, and of an accelerator. */
export type PeakMemory = z.output<typeof Done>;

/** A process of one system that runs a step whenever it is told to. */
export class Worker {
  /** Name and version. */
  readonly system: string;
  /** What it runs on, as its vendor calls it, where that is no CPU. */
  readonly accelerator: string | undefined;
  /** From the start of the process to the end of the first step. */
  readonly startSeconds: number;
  readonly #process: ResultPromise;
  readonly #lines: AsyncIterator<string>;

  private constructor(
    process: ResultPromise,
    lines: AsyncIterator<string>,
    { system, accelerator }: z.output<typeof Ready>,
    startSeconds: number,
  ) {
    this.#process = process;
    this.#lines = lines;
    this.system = system;
    this.accelerator = accelerator;
    this.startSeconds = startSeconds;
  }

  /** Starts a process and waits until it has warmed up. `cache` is Sepal's folder of compiled programs. */
  static async start(system: string, shape: StepShape, cache?: string): Promise<Worker> {
    const { case: name, model, size, batch, device, precision } = shape;
    const started = performance.now();
    const args = [name, model, `${size}`, `${batch}`, device, precision];
    const [command, env] =
      system === SEPAL
        ? [[process.execPath, join(import.meta.dirname, 'step-sepal.ts'), ...args, ...(cache === undefined ? [] : [cache])], sepalEnvironment(device)] // prettier-ignore
        : [[findPython(), join(import.meta.dirname, 'peers', 'step.py'), system, ...args], peerEnvironment()];
    const [file, ...rest] = [...onProcessors(shape.threads), ...command];
    const child = execa(file, rest, { env, extendEnv: false });
    // Whoever waits for a line gets the error, with what was written to stderr.
    child.catch(() => {});
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const ready = Ready.parse(await nextLine(lines, child));
    const startSeconds = (performance.now() - started) / 1000;
    return new Worker(child, lines, ready, startSeconds);
  }

  async step(): Promise<StepTime> {
    this.#process.stdin!.write('step\n');
    return Step.parse(await nextLine(this.#lines, this.#process));
  }

  /** Ends the process. */
  async finish(): Promise<PeakMemory> {
    this.#process.stdin!.end();
    const peak = Done.parse(await nextLine(this.#lines, this.#process));
    await this.#process;
    return peak;
  }
}

/** Keeps what V8 compiled. What is published is JavaScript: nobody's process has types to strip, as ours have from their sources. */
export const COMPILED_CODE = { NODE_COMPILE_CACHE: join(tmpdir(), 'node-compile-cache') };

/** As the command line sets it for itself. */
function sepalEnvironment(device: StepDevice): NodeJS.ProcessEnv {
  return {
    ...process.env,
    GLIBC_TUNABLES: memorySettings(['train', '--device', device]) ?? process.env.GLIBC_TUNABLES,
    ...COMPILED_CODE,
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
