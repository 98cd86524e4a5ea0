import {
  cudaInstallCommand,
  findInstalled,
  findPlugin,
  missingCudaLibraries,
  pluginByName,
  sha256File,
  type InstalledPlugin,
  type PluginPlatform,
} from '../../assets/index.ts';
import { SepalError } from '../../base/index.ts';
import {
  amdDriverVersion,
  nvidiaDriverVersion,
  probePlugin,
  visibleAmdGpus,
  visibleNvidiaGpus,
  visibleTpus,
} from '../../runtime/index.ts';
import type { Check } from './check.ts';

/** The CPU: its plugin must be there and give devices, unless there is another device to run on. */
export async function checkCpu(signal: AbortSignal, { wanted }: Pick<Expectation, 'wanted'>): Promise<Check[]> {
  return [await checkPlugin('cpu', { wanted, devices: true }, signal)];
}

/** TPUs: the plugin is needed where there is a TPU, and useful for `sepal plan` where there is none. */
export async function checkTpu(signal: AbortSignal): Promise<Check[]> {
  const tpus = await visibleTpus();
  const here = tpus.length > 0;
  const hardware: Check = here
    ? { name: 'tpu devices', state: 'ok', text: tpus.join(', ') }
    : { name: 'tpu devices', state: 'none', text: 'no /dev/accel* and no /dev/vfio/*: no TPU on this machine' };
  return [hardware, await checkPlugin('tpu', { wanted: here, devices: here }, signal)];
}

/** NVIDIA GPUs: driver, plugin, and the libraries that the plugin opens. */
export async function checkCuda(signal: AbortSignal): Promise<Check[]> {
  const [gpus, driver] = await Promise.all([visibleNvidiaGpus(), nvidiaDriverVersion()]);
  const here = gpus.length > 0 && driver !== undefined;
  const checks: Check[] = [driverCheck(gpus, driver)];
  const plugin = await findPlugin('cuda').catch(() => undefined);
  if (plugin !== undefined) checks.push(await checkLibraries(plugin, here));
  const whole = checks.every(({ state }) => state === 'ok');
  return [...checks, await checkPlugin('cuda', { wanted: here, devices: whole }, signal)];
}

/** AMD GPUs: driver and plugin; the plugin's libraries are those of ROCm. */
export async function checkRocm(signal: AbortSignal): Promise<Check[]> {
  const [gpus, driver] = await Promise.all([visibleAmdGpus(), amdDriverVersion()]);
  const here = gpus.length > 0;
  const hardware: Check = here
    ? { name: 'amd driver', state: 'ok', text: [driver ?? "the kernel's own", ...gpus].join(', ') }
    : { name: 'amd driver', state: 'none', text: 'no /dev/kfd: no AMD GPU on this machine' };
  // Without ROCm the plugin can't even be loaded, which is nobody's problem where there is no GPU.
  const found =
    here ||
    (await findPlugin('rocm').then(
      () => false,
      () => true,
    ));
  return found ? [hardware, await checkPlugin('rocm', { wanted: here, devices: here }, signal)] : [hardware];
}

function driverCheck(gpus: readonly string[], driver: string | undefined): Check {
  const name = 'nvidia driver';
  if (driver === undefined && gpus.length === 0) {
    return { name, state: 'none', text: 'no /dev/nvidia* and no /proc/driver/nvidia: no NVIDIA GPU on this machine' };
  }
  const devices = gpus.length === 0 ? 'no /dev/nvidia0' : gpus.join(', ');
  if (driver !== undefined && gpus.length > 0) return { name, state: 'ok', text: `${driver}, ${devices}` };
  return {
    name,
    state: 'problem',
    text: `${driver ?? 'no /proc/driver/nvidia/version'}, ${devices}`,
    todo: 'install the NVIDIA driver; in a container, start it with access to the GPU (docker run --gpus all)',
  };
}

async function checkLibraries({ path }: InstalledPlugin, needed: boolean): Promise<Check> {
  const missing = await missingCudaLibraries(path);
  const name = 'cuda libraries';
  if (missing.length === 0) return { name, state: 'ok', text: 'all there' };
  return {
    name,
    state: needed ? 'problem' : 'none',
    text: `missing: ${missing.map(({ file }) => file).join(', ')}`,
    todo: needed
      ? `${cudaInstallCommand(
          path,
          missing.map((library) => library.package),
        )}\nor add the folder that has them to LD_LIBRARY_PATH`
      : undefined,
  };
}

interface Expectation {
  /** Whether a missing plugin is a problem. */
  readonly wanted: boolean;
  /** Whether there should be devices to take hold of. */
  readonly devices: boolean;
}

async function checkPlugin(
  platform: PluginPlatform,
  { wanted, devices }: Expectation,
  signal: AbortSignal,
): Promise<Check> {
  const name = `${platform} plugin`;
  let plugin: InstalledPlugin;
  try {
    plugin = await findPlugin(platform);
  } catch (error) {
    if (!(error instanceof SepalError)) throw error;
    return missingCheck(platform, wanted, error);
  }
  const where = `${plugin.path}\n${[plugin.version, `from ${plugin.source}`].filter(Boolean).join(', ')}`;
  if (await isAltered(plugin)) {
    const todo = `remove its folder, then: sepal plugin install ${plugin.name}`;
    return { name, state: 'problem', text: `${where}, but its bytes are not those that were installed`, todo };
  }
  const result = await probePlugin({ plugin, devices }, signal);
  if ('failed' in result) {
    return { name, state: 'problem', text: `${where}\ndoes not work: ${result.failed}`, todo: result.hint };
  }
  const api = `${where}, PJRT API ${result.apiVersion}`;
  if (!devices) return { name, state: 'ok', text: `${api}; loads` };
  if (result.devices.length === 0) return { name, state: 'problem', text: `${api}; gives no device` };
  const { length } = result.devices;
  return { name, state: 'ok', text: `${api}\n${describeDevices(result.devices)}`, devices: length };
}

/** What a plugin would be good for where nothing on the machine needs it. */
const ALSO_USEFUL: { readonly [P in PluginPlatform]?: string } = {
  cpu: 'to run on the CPU as well: sepal plugin install cpu',
  tpu: 'to compile for TPUs on this machine: sepal plugin install tpu',
};

function missingCheck(platform: PluginPlatform, wanted: boolean, error: SepalError): Check {
  const name = `${platform} plugin`;
  const [text, paths] = error.message.split('; looked for');
  // Without a list of paths, a variable names a file that isn't there: never what the user meant.
  if (wanted || paths === undefined) return { name, state: 'problem', text, todo: error.hint };
  return { name, state: 'none', text, todo: ALSO_USEFUL[platform] };
}

async function isAltered({ name, path, source }: InstalledPlugin): Promise<boolean> {
  const row = source === 'cache' ? pluginByName(name) : undefined;
  const installed = row && (await findInstalled('plugins', row));
  return installed !== undefined && (await sha256File(path)) !== installed.receipt.sha256;
}

/** `4 devices: 4 × cpu`. */
function describeDevices(kinds: readonly string[]): string {
  const groups = [...Map.groupBy(kinds, (kind) => kind)].map(([kind, all]) => `${all.length} × ${kind}`);
  return `${kinds.length === 1 ? '1 device' : `${kinds.length} devices`}: ${groups.join(', ')}`;
}
