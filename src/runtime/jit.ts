import { didYouMean, mapTree, treeLeaves, type MapLeaves } from '../base/index.ts';
import {
  DTYPES,
  formatShape,
  isTensorType,
  Tensor,
  trace,
  type Graph,
  type Platform,
  type TensorType,
} from '../xla/index.ts';
import type { Backend } from './backend.ts';
import { isDeviceArray, type DeviceArray } from './device-array.ts';
import { EarlyLoad } from './cache/early-load.ts';
import { RuntimeError } from './errors.ts';
import { compileInference, type InferenceProgram } from './inference/inference-program.ts';
import { compile, compileOptions, type Program } from './program.ts';

/** A tree of tensors as a tree of their types. */
export type TypesOf<T> = MapLeaves<T, Tensor, TensorType>;
/** A tree of tensors as a tree of arrays on the devices. */
export type ArraysOf<T> = MapLeaves<T, Tensor, DeviceArray>;

/** How a function is compiled. */
export interface JitOptions {
  readonly name?: string;
  /** Which arguments' arrays are used up by a call, so that results can take their memory. */
  readonly donate?: readonly number[];
  /** Lowers as for this platform instead of the backend's own. */
  readonly platform?: Platform;
  /**
   * Compiles for what is never differentiated, and is called many times with the same arrays in one argument (`weights`): see
   * `compileInference`. `calls` says how many times, where that is known. On CPUs its maxima and minima may lose a NaN.
   */
  readonly forInference?: { readonly weights: number; readonly calls?: number };
}

/** A function of trees of tensors, compiled for a backend. */
export interface Compiled<Args extends readonly unknown[], Result> {
  (...args: ArraysOf<Args> & readonly unknown[]): Promise<ArraysOf<Result>>;
  readonly program: Program | InferenceProgram;
  /** Frees the program and the devices' memory that it takes. */
  dispose(): void;
}

/** Tells tensors from the branches of a function's result. @throws RuntimeError `RESULT` for what is neither. */
function isTensor(value: unknown): value is Tensor {
  if (value instanceof Tensor) return true;
  if (typeof value === 'object' && value !== null && !(value instanceof Promise)) return false;
  throw new RuntimeError('RESULT', 'the function gives something that is no tensor', {
    expected: 'a tensor, or arrays and records of tensors',
    received: value instanceof Promise ? 'a promise' : String(value),
    hint: value instanceof Promise ? 'a function is traced at once, so it must not be async' : undefined,
  });
}

/** Tells types from the branches of a tree. @throws RuntimeError `ARGUMENTS` for what is meant as one but isn't. */
function isType(value: unknown): value is TensorType {
  if (isTensorType(value)) return true;
  if (typeof value !== 'object' || value === null || !('dtype' in value) || !('shape' in value)) return false;
  const dtype = String(value.dtype);
  throw new RuntimeError('ARGUMENTS', `there is no type of shape ${JSON.stringify(value.shape)} and dtype ${dtype}`, {
    expected: `an array of sizes, and one of ${DTYPES.join(', ')}`,
  });
}

/** A function of trees traced into one program, with what is needed to give its results their form back. */
export interface TracedTree {
  readonly graph: Graph;
  /** Index of the argument that each parameter belongs to. */
  readonly owners: readonly number[];
  readonly result: unknown;
}

/** Traces a function of trees of tensors, given the types of their leaves. */
export function traceTrees<Args extends readonly unknown[]>(
  body: (...args: Args) => unknown,
  types: TypesOf<Args>,
): TracedTree {
  const named: (TensorType & { name: string })[] = [];
  mapTree(types, isType, (type, path) => named.push({ ...type, name: path }));
  const owners = (types as readonly unknown[]).flatMap((tree, i) => treeLeaves(tree, isType).map(() => i));
  let result: unknown;
  const graph = trace(named, (...parameters) => {
    let next = 0;
    const args = mapTree(types, isType, () => parameters[next++]) as unknown as Args;
    result = body(...args);
    return treeLeaves(result, isTensor);
  });
  return { graph, owners, result };
}

/** Parameters that belong to some of the arguments. */
export function parametersOf(owners: readonly number[], chosen: readonly number[] = []): number[] {
  return owners.flatMap((owner, i) => (chosen.includes(owner) ? [i] : []));
}

/** Arrays of a tree in the order of their types' leaves. They are found by name, so names may come in any order. */
function arraysOf(types: unknown, tree: unknown, path = ''): DeviceArray[] {
  if (isTensorType(types)) {
    if (isDeviceArray(tree)) return [tree];
    throw new RuntimeError('ARGUMENTS', `argument ${path} is ${tree === undefined ? 'missing' : 'no device array'}`, {
      expected: `${types.dtype}${formatShape(types.shape)}`,
    });
  }
  const names = Object.keys(types as object);
  const branch: Record<string, unknown> = typeof tree === 'object' && tree !== null ? { ...tree } : {};
  const join = (name: string) => (path === '' ? name : `${path}/${name}`);
  const stray = Object.keys(branch).find((name) => !names.includes(name));
  if (stray !== undefined) {
    throw new RuntimeError('ARGUMENTS', `the program takes no argument ${join(stray)}`, {
      hint: didYouMean(stray, names),
    });
  }
  return names.flatMap((name) => arraysOf((types as Record<string, unknown>)[name], branch[name], join(name)));
}

/**
 * Compiles a function of trees of tensors for a backend.
 *
 * The returned function takes and gives the same trees with arrays on the devices in place of tensors. The caller
 * disposes of the results, and of the function; arrays of donated arguments are disposed of by the call.
 */
export async function jit<Args extends readonly unknown[], Result>(
  backend: Backend,
  body: (...args: Args) => Result,
  types: TypesOf<Args>,
  options: JitOptions = {},
): Promise<Compiled<Args, Result>> {
  const { name, platform, forInference } = options;
  const stray = options.donate?.find((i) => !(i in types));
  if (stray !== undefined) {
    throw new RuntimeError('ARGUMENTS', `there is no argument ${stray} to donate`, {
      expected: `numbers from 0 to ${types.length - 1}`,
    });
  }
  const early = forInference === undefined ? beginLoading(backend, types, options) : undefined;
  try {
    const { graph, owners, result } = traceTrees(body, types);
    const settings = { name, donate: parametersOf(owners, options.donate), platform, early };
    const program =
      forInference === undefined
        ? await compile(backend, graph, settings)
        : await compileInference(backend, graph, new Set(parametersOf(owners, [forInference.weights])), {
            ...settings,
            calls: forInference.calls,
          });
    const call = async (...args: readonly unknown[]): Promise<ArraysOf<Result>> => {
      const outputs = await program.run(arraysOf(types, args));
      let next = 0;
      return mapTree(result as Result, isTensor, () => outputs[next++]);
    };
    return Object.assign(call, { program, dispose: () => program.dispose() });
  } finally {
    early?.dispose();
  }
}

/** Loads beside the tracing what was made last time of a function of this name and these types. */
function beginLoading(
  backend: Backend,
  types: unknown,
  { name = '', donate = [], platform = backend.platform }: JitOptions,
): EarlyLoad | undefined {
  const known = [name, JSON.stringify(types), donate.join(), platform];
  return EarlyLoad.begin(backend, known, compileOptions(backend));
}
