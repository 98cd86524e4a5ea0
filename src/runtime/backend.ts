import type { PluginPlatform } from '../assets/index.ts';
import { mapTree, silent, treeLeaves, type Logger, type MapLeaves } from '../base/index.ts';
import {
  reserveRun,
  returningMemory,
  type Client,
  type CompileOptions,
  type Device,
  type FormattedProgram,
  type LoadedExecutable,
  type Plugin,
} from '../pjrt/index.ts';
import {
  arrayProblem,
  elementCount,
  formatShape,
  hostArray,
  isHostTensor,
  type HostArray,
  type HostTensor,
  type TensorType,
} from '../xla/index.ts';
import { allOrNone, dispose } from './all-or-none.ts';
import { hasBfloat16Units } from './bfloat16-units.ts';
import { CompileCache } from './cache/compile-cache.ts';
import { DeviceArray } from './device-array.ts';
import { elementType } from './element-type.ts';
import { RuntimeError } from './errors.ts';
import { programMemory } from './cache/program-memory.ts';

/** What a backend has besides its devices. */
export interface BackendSettings {
  readonly log?: Logger;
  /** Frees what belongs to the devices, after them. */
  readonly onClose?: () => Promise<void>;
  /** False compiles every program anew. */
  readonly compileCache?: CompileCache | false;
  /** After its abort nobody waits for a compiler any longer. */
  readonly signal?: AbortSignal;
}

/** One of the machines that train together, each a process with devices of its own. */
export interface Host {
  /** From 0; the first one writes what is written once. */
  readonly index: number;
  readonly count: number;
}

/** Where programs run: a PJRT client and the devices that its replicas use. */
export class Backend {
  readonly platform: PluginPlatform;
  readonly plugin: Plugin;
  readonly client: Client;
  /** This host's devices, one a replica. */
  readonly devices: readonly Device[];
  /** Those of all hosts, in the order of the replicas; each host's stand together. */
  readonly allDevices: readonly Device[];
  readonly host: Host;
  readonly compileCache: CompileCache | undefined;
  readonly log: Logger;
  /** After its abort nobody waits for a compiler. */
  readonly signal: AbortSignal | undefined;
  readonly #onClose: (() => Promise<void>) | undefined;
  /** Options of XLA that the plugin has refused. */
  readonly #unknown = new Set<string>();
  /** Programs being compiled that nobody waits for. */
  #abandoned = 0;
  #own: Backend | undefined;

  constructor(
    platform: PluginPlatform,
    plugin: Plugin,
    client: Client,
    devices: readonly Device[],
    options: BackendSettings,
    hosts: { readonly host: Host; readonly allDevices: readonly Device[] } = {
      host: { index: 0, count: 1 },
      allDevices: devices,
    },
  ) {
    this.platform = platform;
    this.plugin = plugin;
    this.client = client;
    this.devices = devices;
    this.allDevices = hosts.allDevices;
    this.host = hosts.host;
    this.compileCache = options.compileCache === false ? undefined : (options.compileCache ?? new CompileCache());
    this.log = options.log ?? silent;
    this.signal = options.signal;
    this.#onClose = options.onClose;
  }

  /** Copies of the model on all hosts. */
  get replicas(): number {
    return this.allDevices.length;
  }

  /**
   * This host's devices by themselves, for programs that the other hosts do not run: all that a program is compiled for must run
   * it, and in the same order. On one host it is the backend itself.
   */
  get own(): Backend {
    if (this.host.count === 1) return this;
    const { platform, plugin, client, devices, log } = this;
    const settings = { log, compileCache: this.compileCache ?? (false as const), signal: this.signal };
    this.#own ??= new Backend(platform, plugin, client, devices, settings);
    return this.#own;
  }

  /** Whether the devices compute faster in bfloat16 than in float32. */
  get hasBfloat16Units(): boolean {
    return hasBfloat16Units(this.platform, this.devices[0].attributes());
  }

  /** `8 × TPU v3` as the header of a run shows it. */
  describe(): string {
    const kind = this.devices[0].kind;
    const api = `${this.plugin.apiVersion.major}.${this.plugin.apiVersion.minor}`;
    const threads = this.platform === 'cpu' ? `, ${cpuThreads()} threads` : '';
    const hosts = this.host.count === 1 ? '' : ` on ${this.host.count} hosts`;
    return `${this.replicas} × ${this.platform}${hosts} (${kind}${threads}, PJRT ${api})`;
  }

  /** The same numbers on every replica. */
  async replicate(data: HostArray, type: TensorType): Promise<DeviceArray> {
    requireSize(data, elementCount(type.shape), type);
    return new DeviceArray(
      type,
      await allOrNone(
        this.devices.map((device) => this.#upload(data, type, device)),
        destroy,
      ),
    );
  }

  /** Every tensor of a tree on every replica. */
  async replicateTree<T>(tree: T): Promise<MapLeaves<T, HostTensor, DeviceArray>> {
    // A host tensor that stands in the tree twice becomes two arrays, as a program may use up either.
    const tensors = treeLeaves(tree, isHostTensor);
    const arrays = await allOrNone(
      tensors.map((tensor) => this.replicate(tensor.data, tensor)),
      dispose,
    );
    let next = 0;
    return mapTree(tree, isHostTensor, () => arrays[next++]);
  }

  /** This host's rows of a batch split over its replicas in order; `type` is that of all these rows. */
  async shard(data: HostArray, type: TensorType): Promise<DeviceArray> {
    requireSize(data, elementCount(type.shape), type);
    if (type.shape.length === 0) throw new RuntimeError('BATCH_SIZE', 'a scalar has no rows to split over replicas');
    const [rows, ...rest] = type.shape;
    const replicas = this.devices.length;
    if (rows % replicas !== 0) {
      throw new RuntimeError('BATCH_SIZE', `a batch of ${rows} doesn't divide over ${replicas} replicas`, {
        hint: `choose a batch size that is a multiple of ${replicas}`,
      });
    }
    const part = { shape: [rows / replicas, ...rest], dtype: type.dtype };
    const length = elementCount(part.shape);
    const uploads = this.devices.map((device, i) =>
      this.#upload(data.subarray(i * length, (i + 1) * length), part, device),
    );
    return new DeviceArray(part, await allOrNone(uploads, destroy));
  }

  /** Joins this host's parts of a sharded array in replica order. */
  async gather(array: DeviceArray): Promise<HostArray> {
    if (this.devices.length === 1) return array.toHost();
    const parts = await Promise.all(array.buffers.map((buffer) => buffer.toHost()));
    const joined = Buffer.concat(parts);
    return hostArray(array.dtype, joined.buffer.slice(joined.byteOffset, joined.byteOffset + joined.byteLength));
  }

  /**
   * Compiles a program. A compiler can't be stopped; after an abort it goes on, and what it makes is thrown away.
   *
   * @throws the signal's reason.
   */
  async compile(program: string | Uint8Array | FormattedProgram, options: CompileOptions): Promise<LoadedExecutable> {
    this.signal?.throwIfAborted();
    const compiling = returningMemory(async () =>
      this.#withKnown(options, (known) => this.client.compile(program, known)),
    );
    if (this.signal === undefined) return compiling;
    const done = new AbortController();
    const given = Promise.withResolvers<never>();
    const giveUp = () => {
      this.#abandoned++;
      compiling.then((executable) => executable.destroy()).catch(() => {}).finally(() => this.#abandoned--); // prettier-ignore
      given.reject(this.signal?.reason);
    };
    this.signal.addEventListener('abort', giveUp, { once: true, signal: done.signal });
    try {
      return await Promise.race([compiling, given.promise]);
    } finally {
      done.abort();
    }
  }

  /**
   * Loads a program that `serialize` of the same plugin gave.
   *
   * The memory of its runs, where the program says how much that is, is taken before this returns and cleared meanwhile, which its first run
   * would wait for: a cold start of DenseNet121 on two cores takes 0.3 of 19 s less. A program that is destroyed before a run gives it back.
   */
  async load(serialized: Uint8Array, options: CompileOptions): Promise<LoadedExecutable> {
    const memory = this.platform === 'cpu' ? programMemory(serialized) : undefined;
    const release = memory === undefined ? () => {} : reserveRun(memory);
    try {
      const executable = await returningMemory(async () =>
        this.#withKnown(options, (known) => this.client.deserialize(serialized, known)),
      );
      executable.tempBytes = memory?.bytes;
      executable.afterFree = release;
      return executable;
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Without XLA's options that the plugin doesn't know: an older build does all that it can without them. */
  async #withKnown<T>(options: CompileOptions, work: (known: CompileOptions) => Promise<T>): Promise<T> {
    const overrides = Object.entries(options.overrides ?? {}).filter(([name]) => !this.#unknown.has(name));
    try {
      return await work({ ...options, overrides: Object.fromEntries(overrides) });
    } catch (error) {
      const refused = /No such compile option: '(\w+)'/.exec(String(error))?.[1] ?? '';
      if (!overrides.some(([name]) => name === refused)) throw error;
      this.#unknown.add(refused);
      return this.#withKnown(options, work);
    }
  }

  /** Gives the devices back, unless a compiler is still at work that the process shall not wait for. */
  async close(): Promise<void> {
    if (this.#abandoned > 0 || (this.#own !== undefined && this.#own.#abandoned > 0)) return;
    await this.client.destroy();
    await this.#onClose?.();
  }

  async #upload(data: HostArray, { shape, dtype }: TensorType, device: Device) {
    return this.client.bufferFromHost(data, elementType(dtype), shape, device);
  }
}

const destroy = (buffer: { destroy(): void }): void => buffer.destroy();

/** Threads that XLA's CPU client uses. */
export function cpuThreads(): number {
  // It is always set, see pjrt/environment.ts.
  return Number(process.env.PJRT_NPROC);
}

function requireSize(data: HostArray, count: number, { shape, dtype }: TensorType): void {
  const problem = arrayProblem(data, dtype);
  if (problem !== undefined) throw new RuntimeError('ARRAY_SIZE', `the values are no ${dtype}`, problem);
  if (data.length === count) return;
  throw new RuntimeError(
    'ARRAY_SIZE',
    `${data.length} values of ${data.BYTES_PER_ELEMENT} bytes don't fill ${dtype}${formatShape(shape)}`,
  );
}
