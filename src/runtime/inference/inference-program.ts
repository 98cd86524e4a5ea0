import { splitGraph, type Graph, type SplitGraph } from '../../xla/index.ts';
import type { Backend } from '../backend.ts';
import type { DeviceArray } from '../device-array.ts';
import { prepareInference } from './prepare-inference.ts';
import { PreparedWeights } from './prepared-weights.ts';
import { compile, compilePrepared, type CompileSettings, type Program } from '../program.ts';
import { programText } from '../program-text.ts';

/** A program for inference in two parts: what its weights are made to once, and what runs for every batch. */
export class InferenceProgram {
  readonly outputs: Program['outputs'];
  /** Seconds that compiling both parts took, side by side. */
  readonly compileSeconds: number;
  readonly fromCache: boolean;
  readonly #split: SplitGraph;
  readonly #weights: PreparedWeights;
  readonly #program: Program;
  #isDisposed = false;

  constructor(split: SplitGraph, weights: PreparedWeights, program: Program, compileSeconds: number) {
    this.#split = split;
    this.#weights = weights;
    this.#program = program;
    this.outputs = program.outputs;
    this.fromCache = program.fromCache;
    this.compileSeconds = compileSeconds;
  }

  /** As `Program.run`, with all arrays of the whole program. */
  async run(args: readonly DeviceArray[]): Promise<DeviceArray[]> {
    const { earlyParameters, lateParameters } = this.#split;
    const weights = earlyParameters.map((i) => args[i]);
    const others = lateParameters.map((i) => args[i]);
    return this.#weights.use(weights, async (prepared) => this.#program.run([...others, ...prepared]));
  }

  /** Gives both parts back, and what was made of the weights; twice does nothing. */
  dispose(): void {
    // Others share the weights' part: each gives it back once.
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#program.dispose();
    this.#weights.dispose();
  }
}

/**
 * Compiles a program that is never differentiated. On CPUs what depends on `weights` (numbers of parameters) alone is a program of
 * its own, run when they are other arrays than before: scaling the kernels of ResNet50 reads and writes 100 MB, more than a picture.
 */
export async function compileInference(
  backend: Backend,
  graph: Graph,
  weights: ReadonlySet<number>,
  settings: CompileSettings & { readonly calls?: number },
): Promise<Program | InferenceProgram> {
  const started = performance.now();
  const prepared = await prepareInference(backend, graph, weights, settings.calls);
  const split = backend.platform === 'cpu' ? splitGraph(prepared.graph, (i) => weights.has(i)) : undefined;
  if (split === undefined) return compilePrepared(backend, prepared, settings);
  const { early, late, lateParameters } = split;
  const name = settings.name === undefined ? undefined : `${settings.name}_weights`;
  const text = programText(early, { replicas: backend.replicas, platform: backend.platform });
  const preparing = PreparedWeights.shared(backend, text, async () => compile(backend, early, { name }));
  const donate = settings.donate?.flatMap((i) => (lateParameters.includes(i) ? [lateParameters.indexOf(i)] : []));
  const running = compilePrepared(backend, { ...prepared, graph: late }, { ...settings, donate });
  try {
    const [program] = await Promise.all([running, preparing.compiled]);
    return new InferenceProgram(split, preparing, program, (performance.now() - started) / 1000);
  } catch (error) {
    preparing.dispose();
    running.then((program) => program.dispose()).catch(() => {});
    throw error;
  }
}
