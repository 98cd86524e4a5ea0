import { availableParallelism } from 'node:os';
import { findPlugin, type PluginPlatform } from '../assets/index.ts';
import { didYouMean, mapTree, SepalError, silent, treeLeaves, type Logger, type MapLeaves } from '../base/index.ts';
import { loadPlugin, type Client, type Device, type Plugin } from '../pjrt/index.ts';
import {
  byteSize,
  elementCount,
  formatShape,
  hostArray,
  isHostTensor,
  type HostArray,
  type HostTensor,
  type TensorType,
} from '../xla/index.ts';
import { CompileCache } from './compile-cache.ts';
import { DeviceArray } from './device-array.ts';
import { elementType } from './element-type.ts';
import { RuntimeError } from './errors.ts';

export const DEVICE_NAMES = ['auto', 'cpu', 'tpu', 'cuda'] as const;
export type DeviceName = (typeof DEVICE_NAMES)[number];

export interface BackendOptions {
  /** `auto` takes the first of tpu, cuda and cpu that works, and says so; a named device that is not there is an error. */
  readonly device?: DeviceName;
  /** Copies of the model that share each batch. By default all TPU cores, all GPUs, or one CPU device. */
  readonly replicas?: number;
  /** CPU threads that XLA may use; all cores by default. Read when the first CPU client of the process starts. */
  readonly threads?: number;
  readonly log?: Logger;
  /** False compiles every program anew. */
  readonly compileCache?: CompileCache | false;
}

/** Where programs run: a PJRT client and the devices that its replicas use. */
export class Backend {
  readonly platform: PluginPlatform;
  readonly plugin: Plugin;
  readonly client: Client;
  /** One device a replica. */
  readonly devices: readonly Device[];
  readonly compileCache: CompileCache | undefined;
  readonly log: Logger;

  constructor(
    platform: PluginPlatform,
    plugin: Plugin,
    client: Client,
    devices: readonly Device[],
    options: BackendOptions,
  ) {
    this.platform = platform;
    this.plugin = plugin;
    this.client = client;
    this.devices = devices;
    this.compileCache = options.compileCache === false ? undefined : (options.compileCache ?? new CompileCache());
    this.log = options.log ?? silent;
  }

  get replicas(): number {
    return this.devices.length;
  }

  /** `8 × TPU v3` as the header of a run shows it. */
  describe(): string {
    const kind = this.devices[0].kind;
    const api = `${this.plugin.apiVersion.major}.${this.plugin.apiVersion.minor}`;
    const threads = this.platform === 'cpu' ? `, ${cpuThreads()} threads` : '';
    return `${this.replicas} × ${this.platform} (${kind}${threads}, PJRT ${api})`;
  }

  /** The same numbers on every replica. */
  async replicate(data: HostArray, type: TensorType): Promise<DeviceArray> {
    requireSize(data, elementCount(type.shape), type);
    return new DeviceArray(type, await Promise.all(this.devices.map((device) => this.#upload(data, type, device))));
  }

  /** Every tensor of a tree on every replica. */
  async replicateTree<T>(tree: T): Promise<MapLeaves<T, HostTensor, DeviceArray>> {
    // A host tensor that stands in the tree twice becomes two arrays, as a program may use up either.
    const tensors = treeLeaves(tree, isHostTensor);
    const arrays = await Promise.all(tensors.map((tensor) => this.replicate(tensor.data, tensor)));
    let next = 0;
    return mapTree(tree, isHostTensor, () => arrays[next++]);
  }

  /** Rows of a batch split over the replicas in order; `type` is the whole batch's. */
  async shard(data: HostArray, type: TensorType): Promise<DeviceArray> {
    requireSize(data, elementCount(type.shape), type);
    if (type.shape.length === 0) throw new RuntimeError('BATCH_SIZE', 'a scalar has no rows to split over replicas');
    const [rows, ...rest] = type.shape;
    if (rows % this.replicas !== 0) {
      throw new RuntimeError('BATCH_SIZE', `a batch of ${rows} doesn't divide over ${this.replicas} replicas`, {
        hint: `choose a batch size that is a multiple of ${this.replicas}`,
      });
    }
    const part = { shape: [rows / this.replicas, ...rest], dtype: type.dtype };
    const length = elementCount(part.shape);
    const uploads = this.devices.map((device, i) =>
      this.#upload(data.subarray(i * length, (i + 1) * length), part, device),
    );
    return new DeviceArray(part, await Promise.all(uploads));
  }

  /** Joins the parts of a sharded array in replica order. */
  async gather(array: DeviceArray): Promise<HostArray> {
    if (this.replicas === 1) return array.toHost();
    const parts = await Promise.all(array.buffers.map((buffer) => buffer.toHost()));
    const joined = Buffer.concat(parts);
    return hostArray(array.dtype, joined.buffer.slice(joined.byteOffset, joined.byteOffset + joined.byteLength));
  }

  async close(): Promise<void> {
    await this.client.destroy();
  }

  async #upload(data: HostArray, { shape, dtype }: TensorType, device: Device) {
    return this.client.bufferFromHost(data, elementType(dtype), shape, device);
  }
}

/** Starts the plugin of the wanted device. @throws RuntimeError or AssetError that says what was looked for. */
export async function openBackend(options: BackendOptions = {}): Promise<Backend> {
  const { device = 'auto', log = silent } = options;
  if (!DEVICE_NAMES.includes(device)) {
    throw new RuntimeError('NO_DEVICE', `there is no device "${device}"`, {
      hint: didYouMean(device, DEVICE_NAMES),
    });
  }
  requireReplicas(options.replicas);
  if (device !== 'auto') return openPlatform(device, options);
  for (const platform of ['tpu', 'cuda'] as const) {
    try {
      return await openPlatform(platform, options);
    } catch (error) {
      log.debug(`${platform}: ${error instanceof SepalError ? error.toUserString() : String(error)}`);
    }
  }
  const backend = await openPlatform('cpu', options);
  log.info('device: no TPU or GPU found, running on the CPU (--verbose says what was tried)');
  return backend;
}

async function openPlatform(platform: PluginPlatform, options: BackendOptions): Promise<Backend> {
  const installed = await findPlugin(platform);
  const settings: Record<string, number> = {};
  if (platform === 'cpu') {
    // XLA reads its thread count from the environment when the client starts; there is no create option for it.
    if (options.threads !== undefined) process.env.PJRT_NPROC = String(options.threads);
    settings.cpu_device_count = options.replicas ?? 1;
  }
  const plugin = await loadPlugin(installed.path);
  const client = await plugin.createClient(settings);
  const replicas = options.replicas ?? client.devices.length;
  if (client.devices.length < replicas) {
    await client.destroy();
    throw new RuntimeError('NO_DEVICE', `${replicas} replicas need ${replicas} devices`, {
      expected: `--replicas from 1 to ${client.devices.length}`,
      received: `${client.devices.length} ${platform} devices found`,
    });
  }
  return new Backend(platform, plugin, client, client.devices.slice(0, replicas), options);
}

/** A plugin may end the process over a senseless count. */
function requireReplicas(replicas: number | undefined): void {
  if (replicas === undefined || (Number.isInteger(replicas) && replicas >= 1)) return;
  throw new RuntimeError('NO_DEVICE', `there can't be ${replicas} replicas`, { expected: 'a whole number from 1' });
}

/** Threads that XLA's CPU client uses. */
function cpuThreads(): number {
  return Number(process.env.PJRT_NPROC ?? process.env.NPROC ?? availableParallelism());
}

function requireSize(data: HostArray, count: number, { shape, dtype }: TensorType): void {
  if (data.length === count && data.BYTES_PER_ELEMENT === byteSize(dtype)) return;
  throw new RuntimeError(
    'ARRAY_SIZE',
    `${data.length} values of ${data.BYTES_PER_ELEMENT} bytes don't fill ${dtype}${formatShape(shape)}`,
  );
}
