import { realpath } from 'node:fs/promises';
import { Api } from './api.ts';
import { Client } from './client.ts';
import { PjrtError, PluginLoadError } from './error.ts';
import { prepareEnvironment } from './environment.ts';
import { nativeFunction, openLibrary, type Library } from './ffi.ts';
import { encodeOptions, readNamedValues, type NamedValue, type Options, type OptionValue } from './named-value.ts';
import { KeyValueCallbacks, type KeyValueStore } from './key-value-store.ts';
import { Profiler, PROFILER_EXTENSION } from './profiler.ts';
import { Topology } from './topology.ts';

/** The C API of 2024-08: structs of older plugins may be smaller than ours. The oldest that is tested is 0.81. */
const OLDEST_MINOR = 54;

prepareEnvironment();

const loaded = new Map<string, Promise<Plugin>>();

/**
 * Loads a PJRT plugin, once per file and process; it is never unloaded.
 *
 * @throws PluginLoadError where the file is missing, is no library for this machine, or is no PJRT plugin.
 */
export async function loadPlugin(path: string): Promise<Plugin> {
  const file = await realpath(path).catch((cause: unknown) => {
    throw new PluginLoadError('PLUGIN_NOT_FOUND', `there is no plugin at ${path}`, {
      hint: 'run `sepal plugin install`, or give the path of a PJRT plugin (a .so or .dylib file)',
      cause,
    });
  });
  const known = loaded.get(file);
  if (known !== undefined) return known;
  const plugin = load(file);
  loaded.set(file, plugin);
  plugin.catch(() => loaded.delete(file));
  return plugin;
}

async function load(path: string): Promise<Plugin> {
  const getApi = open(path).symbol('GetPjrtApi');
  if (getApi === undefined) {
    throw new PluginLoadError('NOT_A_PLUGIN', `${path} is a library, but no PJRT plugin`, {
      expected: 'a library that exports GetPjrtApi',
      hint: 'run `sepal plugin list` to see the plugins that are found',
    });
  }
  const table = nativeFunction(getApi).call(0n);
  if (table === 0n) throw new PluginLoadError('NOT_A_PLUGIN', `the plugin ${path} gives no table of functions`);
  const api = new Api(table, path);
  if (api.version.major !== 0) {
    throw new PluginLoadError('PLUGIN_TOO_NEW', `the plugin ${path} speaks another version of PJRT`, {
      expected: 'PJRT API 0.x',
      received: `${api.version.major}.${api.version.minor}`,
      hint: 'update Sepal, or use an older build of the plugin',
    });
  }
  if (api.version.minor < OLDEST_MINOR) {
    throw new PluginLoadError('PLUGIN_TOO_OLD', `the plugin ${path} speaks an old version of PJRT`, {
      expected: `PJRT API 0.${OLDEST_MINOR} or newer`,
      received: `${api.version.major}.${api.version.minor}`,
      hint: 'sepal plugin list shows the builds that are tested, sepal plugin install NAME brings one',
    });
  }
  await api.callAsync('Plugin_Initialize', {});
  return new Plugin(api);
}

function open(path: string): Library {
  try {
    return openLibrary(path);
  } catch (cause) {
    const reason = (cause instanceof Error ? cause.message : String(cause)).replace(
      /^Failed to load shared library: /,
      '',
    );
    throw new PluginLoadError('PLUGIN_LOAD_FAILED', `can't load the plugin ${path}: ${reason}`, {
      hint: hintFor(reason),
      cause,
    });
  }
}

function hintFor(reason: string): string {
  if (/cannot open shared object file|Library not loaded/.test(reason)) {
    return 'the plugin needs another library: install it, or add its folder to LD_LIBRARY_PATH';
  }
  if (/GLIBC|GLIBCXX/.test(reason))
    return 'the plugin was built for a newer Linux: use an older build or a newer system';
  if (/invalid ELF header|file too short|not a mach-o|slice is not valid/i.test(reason)) {
    return 'the file is damaged or is no shared library: install the plugin again';
  }
  return `use a plugin built for ${process.platform} on ${process.arch}`;
}

/** More threads than this take minutes to start. */
const MOST_CPU_DEVICES = 1024;

/** A count below 0 ends the process in the plugin, and one too large keeps it busy for hours. */
function requireCount(count: OptionValue | undefined): void {
  if (typeof count !== 'number' || (Number.isInteger(count) && count >= 1 && count <= MOST_CPU_DEVICES)) return;
  throw new PjrtError('INVALID_ARGUMENT', `there can't be ${count} CPU devices`, {
    expected: `a whole number from 1 to ${MOST_CPU_DEVICES}`,
  });
}

/** A PJRT plugin: the driver of one kind of device. */
export class Plugin {
  readonly path: string;
  readonly apiVersion: { readonly major: number; readonly minor: number };
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
    this.path = api.pluginPath;
    this.apiVersion = api.version;
  }

  /** What the plugin says of itself, such as `xla_version` and `stablehlo_current_version`. */
  attributes(): Record<string, NamedValue> {
    const out = this.#api.call('Plugin_Attributes', {});
    return readNamedValues(out.attributes, out.num_attributes);
  }

  /** Begins to record what the devices do, where the plugin can: those of CPUs can't. Works while there is a client. */
  async startProfiler(): Promise<Profiler | undefined> {
    const extension = this.#api.extension(PROFILER_EXTENSION);
    return extension === undefined ? undefined : Profiler.start(extension);
  }

  /**
   * Takes hold of the devices.
   *
   * @param options as the plugin names them, such as `cpu_device_count` or `memory_fraction`.
   * @param store where the processes of a run that each have some of the devices find each other.
   */
  async createClient(options: Options = {}, store?: KeyValueStore): Promise<Client> {
    requireCount(options['cpu_device_count']);
    const encoded = encodeOptions(options);
    const callbacks = store === undefined ? undefined : new KeyValueCallbacks(store);
    try {
      const { client } = await this.#api.callAsync('Client_Create', {
        create_options: encoded,
        num_options: encoded.count,
        kv_get_callback: callbacks?.get,
        kv_put_callback: callbacks?.put,
        kv_try_get_callback: callbacks?.tryGet,
      });
      return new Client(this.#api, client, () => callbacks?.release());
    } catch (error) {
      callbacks?.release();
      throw error;
    }
  }

  /**
   * Describes devices that need not be at hand, to compile for them.
   *
   * @param name as the plugin names them, such as `v3:2x2` for the eight cores of a TPU v3-8.
   */
  async createTopology(name: string, options: Options = {}): Promise<Topology> {
    const encoded = encodeOptions(options);
    const { topology } = await this.#api.callAsync('TopologyDescription_Create', {
      topology_name: name,
      create_options: encoded,
      num_options: encoded.count,
    });
    return new Topology(this.#api, topology);
  }
}
