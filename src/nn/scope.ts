import { UsageError } from '../base/index.ts';
import {
  customGradient,
  foldIn,
  full,
  formatShape,
  optimizationBarrier,
  parameter,
  sameShape,
  stopGradient,
  vjp,
  withScope,
  type Shape,
  type Tensor,
  type TensorType,
} from '../xla/index.ts';
import { inGroups } from './in-groups.ts';
import type { Initializer } from './initializer.ts';

/** What a variable is for: weight decay, freezing and optimisers go by it. */
export type VariableRole = 'kernel' | 'bias' | 'scale' | 'statistic';

/** A variable that a model has, before it has values. Paths and shapes are those of the Keras model of the same name. */
export interface VariableSpec extends TensorType {
  readonly path: string;
  readonly role: VariableRole;
  readonly initializer: Initializer;
}

/** Path of the layer that a variable belongs to. */
export const layerOf = (variable: string): string => variable.slice(0, Math.max(0, variable.lastIndexOf('/')));

/** Statistics follow the data and are never trained. */
export const isTrainable = ({ role }: { readonly role: VariableRole }): boolean => role !== 'statistic';

/** How a model is run. */
export interface ApplySettings {
  /** Batch statistics, dropout and stochastic depth on. */
  readonly training: boolean;
  /** Random key of this step; needed in training where something is random. */
  readonly key?: Tensor;
  /** Index in the global batch of this replica's first example; uint32 scalar. Random draws go by it. */
  readonly firstExample?: Tensor;
  /** Batch-norm statistics over the batches of all replicas, of which there are so many. */
  readonly syncReplicas?: number;
  /** Layers that are not trained, by path: nothing is dropped behind them, in training either, but by the head. */
  readonly frozenLayers?: ReadonlySet<string>;
  /** Batch-norm layers that normalise by their moving statistics and leave them as they are, in training either. */
  readonly frozenStatistics?: ReadonlySet<string>;
  /** Blocks keep their inputs alone for the gradient, and compute what is inside them again on the way back. */
  readonly remat?: boolean;
}

/**
 * Where a layer finds its variables, as a path such as `block1/conv`, and how the model is being run.
 *
 * A model is a plain function of a scope and its input. Run once on a declaring scope it tells its variables; run on
 * an applying one it computes with the values that it is given.
 */
export class Scope {
  readonly settings: ApplySettings;
  readonly #path: string;
  readonly #store: VariableStore;

  constructor(store: VariableStore, settings: ApplySettings, path = '') {
    this.#store = store;
    this.settings = settings;
    this.#path = path;
  }

  /** Runs a layer in a scope of its own. */
  in<T>(name: string, layer: (scope: Scope) => T): T {
    const path = this.#join(name);
    return withScope(name, () => layer(new Scope(this.#store, this.settings, path)));
  }

  /**
   * Runs a block of layers, such as a residual one, on tensors. All it reads besides variables must be among `inputs`, and
   * it may be run twice: where the model is rematerialised, what is inside is not kept for the gradient but computed again
   * when that gets there (Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost"), with the same random numbers.
   */
  block(inputs: readonly Tensor[], body: (scope: Scope, ...inputs: Tensor[]) => Tensor): Tensor {
    const { training, remat, key } = this.settings;
    if (!training || remat !== true) return body(this, ...inputs);
    const given = [...inputs];
    const settings = { ...this.settings, remat: false };
    const start = this.#store.fork();
    const output = body(new Scope(this.#store, settings, this.#path), ...given);
    const variables = this.#store.valuesSince(start);
    const [result] = customGradient([output], [...given, ...variables], (cotangents) => {
      // Without the barrier a compiler would see that the same is computed twice, and keep the first. With the cotangents
      // behind it too, it can't begin the second before they are there.
      const drawn = key === undefined ? [] : [key];
      const held = optimizationBarrier([...cotangents, ...drawn, ...given]);
      // What flows to the inputs ends there: whoever asked for it takes it on.
      const again = held.slice(cotangents.length + drawn.length).map(stopGradient);
      const heldKey = key === undefined ? undefined : held[cotangents.length];
      const scope = new Scope(start.fork(), { ...settings, key: heldKey }, this.#path);
      return vjp([body(scope, ...again)], held.slice(0, cotangents.length), [...again, ...variables]);
    });
    return result;
  }

  /** The variable `name` of this layer, float32. */
  variable(name: string, shape: Shape, role: VariableRole, initializer: Initializer): Tensor {
    return this.#store.get({ path: this.#join(name), shape, dtype: 'float32', role, initializer });
  }

  /** Whether this layer normalises by the batch's own statistics. */
  get usesBatchStatistics(): boolean {
    return this.settings.training && this.settings.frozenStatistics?.has(this.#path) !== true;
  }

  /** Whether parts of what the last layer gave are dropped at random. */
  get drops(): boolean {
    return this.settings.training && this.settings.frozenLayers?.has(this.#store.lastLayer) !== true;
  }

  /** From here on what is dropped belongs to the layers that follow, also where those before are frozen. */
  beginHead(): void {
    this.#store.lastLayer = '';
  }

  /** Sets a statistic for the next step. */
  update(name: string, value: () => Tensor): void {
    this.#store.set(this.#join(name), value);
  }

  /** A random key that no other call of this step gets, with the index of the replica's first example. */
  random(): { key: Tensor; firstExample: Tensor } {
    const { key, firstExample = full([], 0, 'uint32') } = this.settings;
    if (key === undefined) {
      const layer = this.#path === '' ? 'the network' : this.#path;
      throw new UsageError('NETWORK', `${layer} draws random numbers, but runs without a random key`, {
        hint: 'in training, give applyNetwork a key: another one for each step',
      });
    }
    return { key: foldIn(key, this.#store.nextDraw()), firstExample };
  }

  #join(name: string): string {
    return this.#path === '' ? name : `${this.#path}/${name}`;
  }
}

/** Values of a model's variables by path. */
export type Variables = Readonly<Record<string, Tensor>>;

class VariableStore {
  readonly specs = new Map<string, VariableSpec>();
  readonly #updates = new Map<string, () => Tensor>();
  /** Path of the layer that asked for a variable last. */
  lastLayer = '';
  readonly #values: Variables | undefined;
  #draws = 0;

  constructor(values?: Variables) {
    this.#values = values;
  }

  get(spec: VariableSpec): Tensor {
    const known = this.specs.get(spec.path);
    if (known !== undefined) {
      throw new UsageError('NETWORK', `two variables are called ${spec.path}`, {
        hint: "run each layer in a scope of its own: scope.in('name', (inner) => dense(inner, …))",
      });
    }
    this.specs.set(spec.path, spec);
    this.lastLayer = layerOf(spec.path);
    if (this.#values === undefined) return parameter(spec.path, spec);
    const value = this.#valueOf(spec.path);
    if (!sameShape(value.shape, spec.shape)) {
      throw new UsageError(
        'NETWORK',
        `variable ${spec.path} is ${formatShape(value.shape)}, the model has ${formatShape(spec.shape)}`,
      );
    }
    return value;
  }

  set(path: string, value: () => Tensor): void {
    this.#updates.set(path, value);
  }

  /** New values of the statistics that were set. */
  updates(): Record<string, Tensor> {
    const paths = [...this.#updates.keys()];
    const made = [...this.#updates.values()];
    const values = inGroups(
      paths.map((path) => this.#valueOf(path)),
      (i) => [made[i]()],
    );
    return Object.fromEntries(paths.map((path, i) => [path, values[i][0]]));
  }

  nextDraw(): number {
    return this.#draws++;
  }

  /** A store that goes on from here by itself: what is asked of it is answered as it would be by this one. */
  fork(): VariableStore {
    const copy = new VariableStore(this.#values);
    for (const [path, spec] of this.specs) copy.specs.set(path, spec);
    copy.lastLayer = this.lastLayer;
    copy.#draws = this.#draws;
    return copy;
  }

  /** Values of the variables that were asked for since a fork. */
  valuesSince(start: VariableStore): Tensor[] {
    const paths = [...this.specs.keys()].filter((path) => !start.specs.has(path));
    return paths.map((path) => this.#valueOf(path));
  }

  #valueOf(path: string): Tensor {
    const value = this.#values?.[path];
    if (value === undefined) {
      throw new UsageError('NETWORK', `variable ${path} has no value`, {
        hint: 'declareVariables lists the variables of a network',
      });
    }
    return value;
  }
}

/** A network: from images to logits. */
export type Network = (scope: Scope, x: Tensor) => Tensor;

/** The variables that a network has for an input of this type, in the order in which its layers ask for them. */
export function declareVariables(network: Network, input: TensorType): VariableSpec[] {
  return describeNetwork(network, input).variables;
}

/** A network's variables and the type of what it gives, for an input of this type. */
export function describeNetwork(
  network: Network,
  input: TensorType,
): { readonly variables: VariableSpec[]; readonly output: TensorType } {
  const store = new VariableStore();
  const { shape, dtype } = network(new Scope(store, { training: false }), parameter('inputs', input));
  return { variables: [...store.specs.values()], output: { shape, dtype } };
}

/** Runs a network; in training, `updates` holds the new values of its statistics. */
export function applyNetwork(
  network: Network,
  variables: Variables,
  x: Tensor,
  settings: ApplySettings,
): { output: Tensor; updates: Record<string, Tensor> } {
  const store = new VariableStore(variables);
  const output = network(new Scope(store, settings), x);
  return { output, updates: store.updates() };
}
