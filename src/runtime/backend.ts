import { availableParallelism } from 'node:os';
import type { PluginPlatform } from '../assets/index.ts';
import { mapTree, silent, treeLeaves, type Logger, type MapLeaves } from '../base/index.ts';
import type { Client, Device, Plugin } from '../pjrt/index.ts';
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

/** What a backend has besides its devices. */
export interface BackendSettings {
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
    options: BackendSettings,
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
