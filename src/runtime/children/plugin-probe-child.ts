import { once } from 'node:events';
import { SepalError } from '../../base/index.ts';
import { loadPlugin, type Options } from '../../pjrt/index.ts';
import { deviceError } from '../device-error.ts';
import type { ProbeRequest, ProbeResult } from './plugin-probe.ts';

/** The program of `probePlugin`'s child process: gets one request, sends one result, ends. */

const [request] = (await once(process, 'message')) as [ProbeRequest];
const result = await probe(request);
// The plugin's own threads may outlive the answer, so the process doesn't wait for them.
process.send?.(result, () => process.exit(0));

async function probe({ plugin: installed, devices }: ProbeRequest): Promise<ProbeResult> {
  const { path, platform } = installed;
  try {
    const plugin = await loadPlugin(path);
    const apiVersion = `${plugin.apiVersion.major}.${plugin.apiVersion.minor}`;
    if (!devices) return { apiVersion, devices: [] };
    // A look must not take the GPU's memory from a training that is running.
    const options: Options = platform === 'cuda' || platform === 'rocm' ? { preallocate: false } : {};
    const client = await plugin.createClient(options);
    return { apiVersion, devices: client.addressableDevices.map(({ kind }) => kind) };
  } catch (cause) {
    const error = await deviceError(platform, installed, cause);
    if (error instanceof SepalError) return { failed: error.message, hint: error.hint };
    return { failed: error instanceof Error ? error.message : String(error) };
  }
}
