import { SepalError, UsageError } from '../base/index.ts';
import type { Classifier, Model } from '../models/index.ts';
import { compilerOptions, programText, type Backend } from '../runtime/index.ts';
import { trainingProgram, type Recipe } from '../train/index.ts';
import type { TensorType } from '../xla/index.ts';
import { readCompiledProgram, type CompiledProgram } from './compiled-program.ts';
import type { TracedKernel } from './device-trace.ts';
import { KernelBench, type Executable } from './kernel-bench.ts';
import { kernelKind, type KernelKind } from './kernel-kind.ts';

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
  /** What is trained on features that were computed before; else the whole model is. */
  readonly head?: Classifier;
  readonly signal?: AbortSignal;
  /** Told how many of all kernels are timed. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Instructions that take no time of their own. */
const FREE = new Set(['parameter', 'constant', 'tuple', 'get-tuple-element', 'bitcast', 'iota']);

/**
 * Measures where a training step's time goes: the step as it is trained is compiled and timed. Then a GPU or TPU records the kernels
 * of more steps. Where a plugin can't, on CPUs, each kernel of the compiled step is run by itself, compiled again from XLA's
 * own optimised program and without any more passes; equal kernels are timed once.
 *
 * `recipe` is one of its phases where it has several. Numbers are random and for integers 0, which no kernel's time depends on.
 */
export async function profileStep(
  backend: Backend,
  model: Model,
  recipe: Omit<Recipe, 'phases'>,
  { repeats = 5, head, signal, onProgress = () => {} }: ProfileOptions = {},
): Promise<StepProfile> {
  if (backend.replicas > 1) {
    throw new UsageError('REPLICAS', 'a profile is of one replica', { hint: 'leave out --replicas, or give 1' });
  }
  const { platform } = backend;
  const { graph, donate } = trainingProgram(model, recipe, 1, head);
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
