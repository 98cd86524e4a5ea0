import { findPlugin, type PluginPlatform } from '../assets/index.ts';
import { didYouMean, SepalError, silent } from '../base/index.ts';
import { loadPlugin, type Client, type Device, type Options, type Plugin } from '../pjrt/index.ts';
import { HARDWARE } from './accelerators.ts';
import { Backend, type BackendSettings, type Host } from './backend.ts';
import { deviceError } from './device-error.ts';
import { RuntimeError } from './errors.ts';
import { EtcdStore } from './hosts/etcd-store.ts';
import { requireSurvivable } from './children/survivable-plugin.ts';

/** What `--device` takes. */
export const DEVICE_NAMES = ['auto', 'tpu', 'cuda', 'rocm', 'cpu'] as const;
/** A kind of device, or `auto`. */
export type DeviceName = (typeof DEVICE_NAMES)[number];

export interface BackendOptions extends BackendSettings {
  /** `auto` takes the first of tpu, cuda, rocm and cpu that works, and says so; a named device that is not there is an error. */
  readonly device?: DeviceName;
  /** Copies of the model that share each batch. By default all TPU cores, all GPUs, or one CPU device. */
  readonly replicas?: number;
  /** As `replicas`, where these are not given and the device is a CPU. */
  readonly cpuReplicas?: number;
  /** CPU threads that XLA may use; all cores by default. Read when the first CPU client of the process starts. */
  readonly threads?: number;
  /** Share of a GPU's memory that is used at most; the plugin's own default is 0.75. */
  readonly memoryFraction?: number;
  /** This process as one of several whose GPUs train together, and the store where they find each other. */
  readonly gpuHost?: GpuHost;
  /** True takes the devices of all hosts of a TPU slice, of which this process is one; else a slice of several is refused. */
  readonly acrossHosts?: boolean;
  /** False takes a GPU's memory when it is needed, not all of the share at the start. */
  readonly preallocate?: boolean;
}

export interface GpuHost extends Host {
  /** An etcd that all hosts reach, with a name that no other run has: `http://HOST:2379/NAME`. */
  readonly store: string;
}

/** Accelerators in the order in which `auto` tries them. */
const ACCELERATORS = ['tpu', 'cuda', 'rocm'] as const;

/** Starts the plugin of the wanted device. @throws RuntimeError or AssetError that says what was looked for. */
export async function openBackend(options: BackendOptions = {}): Promise<Backend> {
  const { device = 'auto' } = options;
  if (!DEVICE_NAMES.includes(device)) {
    throw new RuntimeError('NO_DEVICE', `there is no device "${device}"`, {
      hint: didYouMean(device, DEVICE_NAMES),
    });
  }
  requireReplicas(options.replicas);
  requireThreads(options.threads);
  requireFraction(options.memoryFraction);
  requireGpuHost(options);
  return device === 'auto' ? openFirst(options) : openPlatform(device, options);
}

/** The first device that works; the CPU where no accelerator does, and then it says why. */
async function openFirst(options: BackendOptions): Promise<Backend> {
  const { log = silent } = options;
  const absent: string[] = [];
  for (const platform of ACCELERATORS) {
    const { name, signs, find } = HARDWARE[platform];
    if ((await find()).length === 0) {
      absent.push(`${platform} (no ${name}: no ${signs})`);
      continue;
    }
    try {
      return await openPlatform(platform, options);
    } catch (error) {
      if (!(error instanceof SepalError)) throw error;
      // It is there and can't be used: that is no reason to stop, but one to be told of.
      log.warn(`this machine has a ${name}, but it can't be used: ${error.toUserString()}`);
      absent.push(`${platform} (see above)`);
    }
  }
  const backend = await openPlatform('cpu', options);
  log.info(`device  tried ${absent.join(', ')}; running on the CPU`);
  return backend;
}

async function openPlatform(platform: PluginPlatform, options: BackendOptions): Promise<Backend> {
  const installed = await findPlugin(platform);
  // XLA reads its thread count from the environment when the client starts; there is no create option for it.
  // The variable is there already, see pjrt/environment.ts.
  if (platform === 'cpu' && options.threads !== undefined) process.env.PJRT_NPROC = String(options.threads);
  await requireSurvivable(installed);
  const { gpuHost } = options;
  const store = gpuHost === undefined ? undefined : EtcdStore.open(gpuHost.store);
  const onClose = async (): Promise<void> => {
    await store?.close();
    await options.onClose?.();
  };
  const settings = { ...options, onClose };
  let plugin: Plugin;
  let client: Client;
  try {
    plugin = await loadPlugin(installed.path);
    client = await plugin.createClient(createOptions(platform, options), store);
  } catch (error) {
    await store?.close();
    throw await deviceError(platform, installed, error);
  }
  const devices = client.addressableDevices;
  const hosts = hostsOf(client);
  if (hosts.host.count > 1) {
    if (options.acrossHosts === true && options.replicas === undefined) {
      return new Backend(platform, plugin, client, devices, settings, hosts);
    }
    await client.destroy();
    await store?.close();
    throw new RuntimeError('MANY_HOSTS', `this process is one of ${hosts.host.count} whose devices work together`, {
      hint: 'sepal train uses all of them, without --replicas; run all else on one machine',
    });
  }
  const replicas = options.replicas ?? devices.length;
  if (devices.length < replicas || replicas === 0) {
    await client.destroy();
    await store?.close();
    throw new RuntimeError('NO_DEVICE', `${replicas} replicas need ${replicas} devices`, {
      expected: `--replicas from 1 to ${devices.length}`,
      received: `${devices.length} ${platform} devices found`,
    });
  }
  return new Backend(platform, plugin, client, devices.slice(0, replicas), settings);
}

/** The hosts whose devices the client knows; each host's devices stand together in the order of replicas. */
function hostsOf(client: Client): { host: Host; allDevices: readonly Device[] } {
  const allDevices = client.devices.toSorted((a, b) => a.processIndex - b.processIndex || a.id - b.id);
  const processes = [...new Set(allDevices.map(({ processIndex }) => processIndex))];
  const own = client.addressableDevices[0]?.processIndex ?? processes[0];
  return { host: { index: processes.indexOf(own), count: processes.length }, allDevices };
}

/** What each kind of plugin understands; one may end the process over an option that it doesn't know. */
function createOptions(platform: PluginPlatform, options: BackendOptions): Options {
  switch (platform) {
    case 'cpu':
      return { cpu_device_count: options.replicas ?? options.cpuReplicas ?? 1 };
    case 'cuda':
    case 'rocm': {
      const { memoryFraction, preallocate, gpuHost } = options;
      return {
        ...(gpuHost !== undefined && { node_id: gpuHost.index, num_nodes: gpuHost.count }),
        ...(memoryFraction !== undefined && { memory_fraction: { float: memoryFraction } }),
        ...(preallocate !== undefined && { preallocate }),
      };
    }
    case 'tpu':
      return {};
    default:
      return platform satisfies never;
  }
}

/** A plugin may end the process over a senseless count. */
function requireReplicas(replicas: number | undefined): void {
  if (replicas === undefined || (Number.isInteger(replicas) && replicas >= 1)) return;
  throw new RuntimeError('NO_DEVICE', `there can't be ${replicas} replicas`, { expected: 'a whole number from 1' });
}

function requireThreads(threads: number | undefined): void {
  if (threads === undefined || (Number.isInteger(threads) && threads >= 1)) return;
  throw new RuntimeError('THREADS', `there can't be ${threads} threads`, { expected: 'a whole number from 1' });
}

function requireGpuHost({ gpuHost, device }: BackendOptions): void {
  if (gpuHost === undefined) return;
  if (device !== 'cuda' && device !== 'rocm') {
    throw new RuntimeError('MANY_HOSTS', `a store joins the GPUs of several hosts, not ${device} devices`, {
      expected: '--device cuda or --device rocm',
      hint: 'hosts of a TPU slice find each other without one',
    });
  }
  const { index, count } = gpuHost;
  if (Number.isInteger(index) && Number.isInteger(count) && index >= 0 && index < count) return;
  throw new RuntimeError('MANY_HOSTS', `there can't be a host ${index} of ${count}`, {
    expected: `hosts count from 0 to ${count - 1}`,
  });
}

function requireFraction(fraction: number | undefined): void {
  if (fraction === undefined || (fraction > 0 && fraction <= 1)) return;
  throw new RuntimeError('MEMORY_FRACTION', `a GPU can't give ${fraction} of its memory`, {
    expected: 'more than 0, at most 1',
  });
}
