import { createHash } from 'node:crypto';
import { SepalError, UsageError } from '../base/index.ts';
import type { Model } from '../models/index.ts';
import { compilerOptions, programText, type Backend } from '../runtime/index.ts';
import { trainingProgram, type Recipe } from '../train/index.ts';
import {
  add,
  elementCount,
  hostArray,
  lowerToStableHlo,
  trace,
  type DType,
  type HostArray,
  type TensorType,
} from '../xla/index.ts';
import { readCompiledProgram, readShape, type CompiledProgram, type Instruction } from './compiled-program.ts';
import { readDeviceTrace, type TracedKernel } from './device-trace.ts';
import { kernelKind, type KernelKind } from './kernel-kind.ts';
import { kernelProgram } from './kernel-program.ts';

/** One kernel of a compiled step. */
export interface Kernel {
  readonly name: string;
  readonly kind: KernelKind;
  /** The model's layer, forward and back; empty for what belongs to none: the optimiser, the loss, the metrics. */
  readonly layer: string;
  /** See `StepProfile.isTraced`. */
  readonly seconds: number;
}

/** A measured training step; times in seconds. */
export interface StepProfile {
  readonly model: string;
  readonly batch: number;
  readonly size: number;
  readonly device: string;
  /** The fastest and the middle one of whole steps. */
  readonly stepSeconds: { readonly min: number; readonly median: number };
  /**
   * Whether the device recorded its kernels in whole steps, as GPUs and TPUs do; a kernel's time is then the mean of what it took.
   * Else each kernel was run by itself: the fastest of its runs, less what launching any program takes.
   */
  readonly isTraced: boolean;
  /** Of all kernels, one after the other: more or less than a step, where they overlap, find other caches or wait. */
  readonly kernelSeconds: number;
  readonly kernels: readonly Kernel[];
}

/** How a step is measured. */
export interface ProfileOptions {
  /** Runs of the step, and of each kernel. */
  readonly repeats?: number;
  readonly signal?: AbortSignal;
  /** Told how many of all kernels are timed. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Instructions that take no time of their own. */
const FREE = new Set(['parameter', 'constant', 'tuple', 'get-tuple-element', 'bitcast', 'iota']);
/** Compiles a kernel as it is: it has been through all of XLA's passes. */
const AS_IT_IS = { xla_disable_all_hlo_passes: true };

/**
 * Measures where a training step's time goes: the step as it is trained is compiled and timed. Then a GPU or TPU records the kernels
 * of more steps. Where a plugin can't, on CPUs, each kernel of the compiled step is run by itself, compiled again from XLA's
 * own optimised program and without any more passes; equal kernels are timed once.
 *
 * Numbers are random and for integers 0, which no kernel's time depends on.
 */
export async function profileStep(
  backend: Backend,
  model: Model,
  recipe: Recipe,
  { repeats = 5, signal, onProgress = () => {} }: ProfileOptions = {},
): Promise<StepProfile> {
  if (backend.replicas > 1) {
    throw new UsageError('REPLICAS', 'a profile is of one replica', { hint: 'leave out --replicas, or give 1' });
  }
  const { platform } = backend;
  const { graph, donate } = trainingProgram(model, recipe, 1);
  const text = programText(graph, { name: 'step', replicas: 1, platform, donate, locations: true });
  const { overrides, extraOptions } = compilerOptions(platform);
  const compile = async (more = {}) =>
    backend.compile(text, { replicas: 1, overrides: { ...overrides, ...more }, extraOptions });
  const bench = new KernelBench(backend, repeats);
  const steps: Executable[] = [];
  try {
    steps.push(await compile());
    const [step] = steps;
    const compiled = await programOf(step);
    const stepSeconds = await bench.timeStep(step, graph.parameters, donate);
    signal?.throwIfAborted();
    if (platform === 'cuda' || platform === 'rocm') steps.push(await compile(LAUNCHED_ONE_BY_ONE));
    const traced = await tracedKernels(bench, steps.at(-1)!, graph.parameters, donate);
    const kernels = traced ?? (await timedKernels(bench, compiled, { signal, onProgress }));
    return {
      isTraced: traced !== undefined,
      model: model.name,
      batch: recipe.batchSize,
      size: recipe.size,
      device: backend.describe(),
      stepSeconds,
      kernelSeconds: kernels.reduce((sum, { seconds }) => sum + seconds, 0),
      kernels,
    };
  } finally {
    for (const step of steps) step.destroy();
    bench.dispose();
  }
}

/** What the compiler made of a step. */
async function programOf(step: Executable): Promise<CompiledProgram> {
  const { format, code } = await step.optimizedProgram();
  if (format.startsWith('hlo')) return readCompiledProgram(format, code);
  throw new SepalError('NO_PROFILE', `this plugin gives its programs as ${format}`, { expected: 'hlo' });
}

/**
 * Programs whose kernels a GPU launches one by one: of many that it launches together, as a graph, the driver doesn't say which ran for
 * which instruction.
 */
const LAUNCHED_ONE_BY_ONE = { xla_gpu_graph_min_graph_size: 2 ** 30 };

/** The kernels of a step, as the device recorded them; undefined where it can't. */
async function tracedKernels(
  bench: KernelBench,
  step: Executable,
  parameters: readonly TensorType[],
  donate: readonly number[],
): Promise<Kernel[] | undefined> {
  const recorded = await bench.traceStep(step, parameters, donate);
  if (recorded === undefined) return undefined;
  const kernels = toKernels(recorded.kernels, recorded.steps, await programOf(step));
  if (kernels.length > 0) return kernels;
  throw new SepalError('NO_PROFILE', 'the device recorded none of its kernels', {
    hint: 'a GPU records through libcupti: see what sepal doctor says of it',
  });
}

/** The kernels of a step, each run by itself. */
async function timedKernels(
  bench: KernelBench,
  compiled: CompiledProgram,
  { signal, onProgress }: Required<Pick<ProfileOptions, 'onProgress'>> & Pick<ProfileOptions, 'signal'>,
): Promise<Kernel[]> {
  const entry = compiled.computations.get(compiled.entryId)!;
  const timed = entry.instructions.filter(({ opcode }) => !FREE.has(opcode));
  const kernels: Kernel[] = [];
  for (const [i, instruction] of timed.entries()) {
    signal?.throwIfAborted();
    const seconds = await bench.timeKernel(compiled, instruction);
    kernels.push({
      name: instruction.name,
      kind: kernelKind(compiled, instruction),
      layer: instruction.layer,
      seconds,
    });
    onProgress(i + 1, timed.length);
  }
  return kernels;
}

/**
 * One kernel for each instruction of the step, with the mean time of all that ran for it; a kernel that ran for none goes by its own
 * name. What was copied for none were the arguments.
 */
function toKernels(traced: readonly TracedKernel[], steps: number, compiled: CompiledProgram): Kernel[] {
  const instructions = new Map(
    [...compiled.computations.values()].flatMap(({ instructions: all }) => all).map((one) => [one.name, one]),
  );
  const ofSteps = traced.filter(({ instruction, name }) => instruction !== undefined || !/^mem(?:cpy|set)/i.test(name));
  const runs = Map.groupBy(ofSteps, ({ instruction, name }) => instruction ?? name);
  return [...runs].map(([name, all]) => {
    const instruction = instructions.get(name);
    const seconds = all.reduce((sum, one) => sum + one.seconds, 0) / steps;
    if (instruction === undefined) return { name, kind: 'other', layer: '', seconds };
    return { name, kind: kernelKind(compiled, instruction), layer: instruction.layer, seconds };
  });
}

type Executable = Awaited<ReturnType<Backend['client']['compile']>>;
type DeviceBuffer = Awaited<ReturnType<Backend['client']['bufferFromHost']>>;
type ElementType = Parameters<Backend['client']['bufferFromHost']>[1];

/** XLA's numbers of element types: their names in PJRT, and dtypes of the same size on the host. */
const ELEMENTS: Readonly<Record<number, readonly [ElementType, DType]>> = {
  1: ['pred', 'bool'],
  2: ['i8', 'int8'],
  4: ['i32', 'int32'],
  5: ['i64', 'int64'],
  6: ['u8', 'uint8'],
  8: ['u32', 'uint32'],
  9: ['u64', 'uint64'],
  10: ['f16', 'float16'],
  11: ['f32', 'float32'],
  12: ['f64', 'float64'],
  16: ['bf16', 'bfloat16'],
};

const FLOAT32 = 11;
/** Seconds below which a kernel's runs together are too few, up to three times those asked for. */
const SHORT = 0.01;

/** Compiles kernels, gives them arguments and times them. */
class KernelBench {
  readonly #backend: Backend;
  readonly #repeats: number;
  /** What a launch takes whatever it launches; part of no kernel's time. */
  #launch: number | undefined;
  readonly #seconds = new Map<string, number>();
  /** Arguments by type; a kernel that reads several of one type gets as many. */
  readonly #buffers = new Map<string, DeviceBuffer[]>();

  constructor(backend: Backend, repeats: number) {
    this.#backend = backend;
    this.#repeats = repeats;
  }

  /** Times whole steps. What a step uses up is uploaded anew before the next one. */
  async timeStep(
    step: Executable,
    parameters: readonly TensorType[],
    donated: readonly number[],
  ): Promise<{ min: number; median: number }> {
    const upload = ({ shape, dtype }: TensorType) =>
      this.#upload(Number(Object.keys(ELEMENTS).find((key) => ELEMENTS[Number(key)][1] === dtype)), shape);
    const args = await Promise.all(parameters.map(upload));
    const seconds: number[] = [];
    for (let run = 0; run <= this.#repeats; run++) {
      const started = performance.now();
      const [results] = await step.execute([args]);
      if (run > 0) seconds.push((performance.now() - started) / 1000);
      for (const buffer of [...results, ...donated.map((i) => args[i])]) buffer.destroy();
      if (run < this.#repeats) for (const i of donated) args[i] = await upload(parameters[i]);
    }
    for (const [i, buffer] of args.entries()) if (!donated.includes(i)) buffer.destroy();
    const sorted = seconds.toSorted((a, b) => a - b);
    return { min: sorted[0], median: sorted[Math.floor(sorted.length / 2)] };
  }

  /** What the device recorded of whole steps; undefined where it can't. */
  async traceStep(
    step: Executable,
    parameters: readonly TensorType[],
    donated: readonly number[],
  ): Promise<{ steps: number; kernels: TracedKernel[] } | undefined> {
    const profiler = await this.#backend.plugin.startProfiler();
    if (profiler === undefined) return undefined;
    let space: Uint8Array;
    try {
      await this.timeStep(step, parameters, donated);
    } finally {
      space = await profiler.stop();
    }
    return { steps: this.#repeats + 1, kernels: readDeviceTrace(space) };
  }

  async timeKernel(program: CompiledProgram, instruction: Instruction): Promise<number> {
    const { code, parameters, key } = kernelProgram(program, instruction);
    const hash = createHash('sha256').update(key).digest('hex');
    const known = this.#seconds.get(hash);
    if (known !== undefined) return known;
    const { extraOptions } = compilerOptions(this.#backend.platform);
    const options = { replicas: 1, overrides: AS_IT_IS, extraOptions };
    const executable = await this.#backend.compile({ format: 'hlo', code }, options);
    try {
      this.#launch ??= await this.#timeLaunch();
      const whole = await this.#time(executable, await this.#arguments(parameters), this.#repeats);
      const seconds = Math.max(0, whole - this.#launch);
      this.#seconds.set(hash, seconds);
      return seconds;
    } finally {
      executable.destroy();
    }
  }

  /** Seconds of a program that adds two numbers. */
  async #timeLaunch(): Promise<number> {
    const number = { shape: [], dtype: 'float32' } as const;
    const text = lowerToStableHlo(trace([number], (x) => [add(x, x)]));
    const executable = await this.#backend.client.compile(text, { replicas: 1 });
    const argument = await this.#upload(FLOAT32, []);
    try {
      return await this.#time(executable, [argument], 20 + this.#repeats);
    } finally {
      argument.destroy();
      executable.destroy();
    }
  }

  async #time(executable: Executable, args: readonly DeviceBuffer[], repeats: number): Promise<number> {
    let best = Infinity;
    let total = 0;
    // Short ones are easily disturbed, and running them more often costs little.
    for (let run = 0; run <= repeats || (total < SHORT && run < 3 * repeats); run++) {
      const started = performance.now();
      const [results] = await executable.execute([args]);
      const seconds = (performance.now() - started) / 1000;
      if (run > 0) best = Math.min(best, seconds);
      total += seconds;
      for (const result of results) result.destroy();
    }
    return best;
  }

  async #arguments(parameters: readonly Instruction[]): Promise<DeviceBuffer[]> {
    const used = new Map<string, number>();
    const args: DeviceBuffer[] = [];
    for (const { shape } of parameters) {
      const { elementType, dimensions } = readShape(shape);
      const type = `${elementType}[${dimensions.join(',')}]`;
      const index = used.get(type) ?? 0;
      used.set(type, index + 1);
      const buffers = this.#buffers.get(type) ?? [];
      this.#buffers.set(type, buffers);
      buffers[index] ??= await this.#upload(elementType, dimensions);
      args.push(buffers[index]);
    }
    return args;
  }

  #upload(elementType: number, dimensions: readonly number[]): Promise<DeviceBuffer> {
    const known = ELEMENTS[elementType];
    if (known === undefined) throw new SepalError('NO_PROFILE', `element type ${elementType} of XLA is not known here`);
    const { client, devices } = this.#backend;
    return client.bufferFromHost(numbers(known[1], elementCount(dimensions)), known[0], dimensions, devices[0]);
  }

  dispose(): void {
    for (const buffers of this.#buffers.values()) for (const buffer of buffers) buffer.destroy();
  }
}

/** Random numbers from 0 to 1 for floats, 0 for all else. */
function numbers(dtype: DType, count: number): HostArray {
  const array = hostArray(dtype, count);
  if (dtype === 'float32' || dtype === 'float64') for (let i = 0; i < count; i++) array[i] = Math.random();
  return array;
}
