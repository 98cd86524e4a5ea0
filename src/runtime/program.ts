import { returningMemory, type CompileOptions, type LoadedExecutable } from '../pjrt/index.ts';
import { formatShape, isOp, sameShape, type Graph, type Platform, type TensorType } from '../xla/index.ts';
import type { Backend } from './backend.ts';
import { compileApart, isBetterApart } from './children/compile-apart.ts';
import { CompileCache } from './cache/compile-cache.ts';
import { compilerOptions, type CompilerOptions } from './compiler-options.ts';
import { DeviceArray } from './device-array.ts';
import type { EarlyLoad } from './cache/early-load.ts';
import { RuntimeError } from './errors.ts';
import { inForm, type CachedForm } from './cache/cached-form.ts';
import { programText } from './program-text.ts';
import { compilerFingerprint } from './cache/compiler-fingerprint.ts';

/** How a program is compiled. */
export interface CompileSettings {
  readonly name?: string;
  /** Parameters whose memory the outputs take over; a run uses these arrays up. */
  readonly donate?: readonly number[];
  /** Lowers as for this platform; by default the backend's own, which is fastest. */
  readonly platform?: Platform;
  /** What is being loaded since before it was traced. */
  readonly early?: EarlyLoad;
}

/** A traced program with how it is lowered and compiled. */
export interface PreparedGraph {
  readonly graph: Graph;
  readonly platform: Platform;
  readonly compiler: CompilerOptions;
  /** Whether what is made of it can be kept on disk. */
  readonly serializable: boolean;
}

/** A compiled program on a backend. */
export class Program {
  readonly parameters: readonly (TensorType & { readonly name: string })[];
  readonly outputs: readonly TensorType[];
  /** Seconds that compiling, or loading from the cache, took. */
  readonly compileSeconds: number;
  readonly fromCache: boolean;
  readonly #keep: (() => Promise<void>) | undefined;
  #kept: Promise<void> | undefined;
  readonly executable: LoadedExecutable;
  readonly #donated: ReadonlySet<number>;

  constructor(
    graph: Graph,
    executable: LoadedExecutable,
    donate: readonly number[],
    made: { seconds: number; fromCache: boolean; keep?: () => Promise<void> },
  ) {
    this.parameters = graph.parameters.map(({ shape, dtype, node }, i) => ({
      shape,
      dtype,
      name: isOp(node, 'parameter') ? node.params.name : `arg${i}`,
    }));
    this.outputs = graph.outputs.map(({ shape, dtype }) => ({ shape, dtype }));
    this.executable = executable;
    this.#donated = new Set(donate);
    this.compileSeconds = made.seconds;
    this.fromCache = made.fromCache;
    this.#keep = made.keep;
  }

  /** Resolves when the cache has a program that was compiled and has run; that takes seconds for a large one, beside its next runs. */
  get kept(): Promise<void> {
    return this.#kept ?? Promise.resolve();
  }

  /**
   * Runs on all replicas: resolves as soon as the devices have the work, so that what the host does next goes on beside it. Whoever
   * reads a result waits for it, and gets the error of a run that failed. Donated arrays are gone afterwards either way.
   */
  async run(args: readonly DeviceArray[]): Promise<DeviceArray[]> {
    this.#check(args);
    const replicas = args[0]?.buffers.length ?? this.executable.replicas;
    const lists = Array.from({ length: replicas }, (_, replica) => args.map((array) => array.buffers[replica]));
    try {
      const { outputs: results, done } = await this.executable.launch(lists);
      // A program that can't run is not worth keeping.
      this.#kept ??= this.#keep && done.then(this.#keep, () => void (this.#kept = undefined));
      return this.outputs.map(
        (type, i) =>
          new DeviceArray(
            type,
            results.map((buffers) => buffers[i]),
          ),
      );
    } finally {
      for (const i of this.#donated) args[i].dispose();
    }
  }

  /** Gives the compiled program back. */
  dispose(): void {
    this.executable.destroy();
  }

  #check(args: readonly DeviceArray[]): void {
    if (args.length !== this.parameters.length) {
      throw new RuntimeError(
        'ARGUMENTS',
        `the program takes ${this.parameters.length} arrays, ${args.length} were given`,
      );
    }
    for (const [i, { shape, dtype, name }] of this.parameters.entries()) {
      const given = args[i];
      if (given.dtype !== dtype || !sameShape(given.shape, shape)) {
        throw new RuntimeError(
          'ARGUMENTS',
          `argument ${name} is ${given.dtype}${formatShape(given.shape)}, the program takes ${dtype}${formatShape(shape)}`,
        );
      }
      // The plugin's own message would not name it.
      if (this.#donated.has(i) && args.indexOf(given) !== args.lastIndexOf(given)) {
        throw new RuntimeError('ARGUMENTS', `argument ${name} is donated, but the same array is given twice`);
      }
    }
  }
}

/** Lowers a traced program for the backend's platform and compiles it, or loads it from the cache. */
export async function compile(backend: Backend, graph: Graph, settings: CompileSettings = {}): Promise<Program> {
  const { platform } = backend;
  const compiler = compilerOptions(platform);
  return compilePrepared(backend, { graph, platform, compiler, serializable: true }, settings);
}

/** What `compile` tells the compiler. */
export function compileOptions(
  backend: Backend,
  compiler: CompilerOptions = compilerOptions(backend.platform),
): CompileOptions {
  return { replicas: backend.replicas, deviceIds: backend.allDevices.map(({ id }) => id), ...compiler };
}

/** Compiles a program, or loads it from the cache. */
export async function compilePrepared(
  backend: Backend,
  prepared: PreparedGraph,
  settings: CompileSettings = {},
): Promise<Program> {
  const started = performance.now();
  const { replicas, log } = backend;
  const donate = settings.donate ?? [];
  const cache = prepared.serializable ? backend.compileCache : undefined;
  const text = programText(prepared.graph, {
    name: settings.name,
    replicas,
    platform: settings.platform ?? prepared.platform,
    donate,
  });
  const options = compileOptions(backend, prepared.compiler);
  const key = CompileCache.key(text, JSON.stringify(options), ...compilerFingerprint(backend));
  await settings.early?.remember(key, text);
  const made = (fromCache: boolean) => ({ seconds: (performance.now() - started) / 1000, fromCache });
  let form: CachedForm = backend.platform === 'cpu' ? 'fast' : 'whole';

  const read = async (fromCache: boolean): Promise<Program | undefined> => {
    const cached = await cache?.read(key);
    if (cached === undefined) return undefined;
    try {
      const executable = await backend.load(cached, options);
      return new Program(prepared.graph, executable, donate, made(fromCache));
    } catch (error) {
      log.debug(`compile cache: ${settings.name ?? 'program'} doesn't load, compiling it anew (${String(error)})`);
      await cache?.remove(key);
      form = 'whole'; // Another build of XLA may need what was left out.
      return undefined;
    }
  };
  const loaded = await settings.early?.take(key);
  if (loaded !== undefined) return new Program(prepared.graph, loaded, donate, made(true));
  const known = await read(true);
  if (known !== undefined) return known;
  if (
    cache !== undefined &&
    isBetterApart(backend, text) &&
    (await compileApart(backend, cache, { text, options, key, form }))
  ) {
    const apart = await read(false);
    if (apart !== undefined) return apart;
  }
  const executable = await backend.compile(text, options);
  const keep = async (): Promise<void> => {
    // Not every plugin can serialise; then the next start compiles again.
    const serialized = async () => inForm(form, await executable.serialize());
    const kept = await returningMemory(async () => cache?.keep(key, serialized()));
    if (kept === false) log.debug(`compile cache: ${settings.name ?? 'program'} was not kept`);
  };
  return new Program(prepared.graph, executable, donate, { ...made(false), keep });
}
