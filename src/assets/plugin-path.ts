import { basename, delimiter, resolve } from 'node:path';
import { UsageError } from '../base/index.ts';
import type { PluginPlatform } from './plugin-manifest.ts';

const PLATFORMS: readonly PluginPlatform[] = ['cpu', 'tpu', 'cuda', 'rocm'];

/**
 * The plugin file that `SEPAL_PLUGIN_PATH` gives for a platform, or undefined.
 *
 * The variable is a list such as `cpu=/a/plugin.so:tpu=/b/libtpu.so` (with `;` on Windows). An entry without a platform
 * counts for the one that its file name says (`libtpu.so`, `xla_cuda_plugin.so`), or for any where it says none.
 */
export function pathFromEnvironment(
  platform: PluginPlatform,
  value = process.env.SEPAL_PLUGIN_PATH,
): string | undefined {
  const entries = (value ?? '').split(delimiter).filter((entry) => entry !== '');
  for (const entry of entries) {
    const [, named, path] = /^(?:(\w+)=)?(.*)$/s.exec(entry) ?? [];
    if (named !== undefined && !PLATFORMS.some((known) => known === named)) {
      throw new UsageError('BAD_PLUGIN_PATH', `SEPAL_PLUGIN_PATH names the unknown platform "${named}"`, {
        expected: PLATFORMS.join(', '),
      });
    }
    const served = named ?? platformOf(path) ?? platform;
    if (served === platform) return resolve(path);
  }
  return undefined;
}

function platformOf(path: string): PluginPlatform | undefined {
  const name = basename(path).toLowerCase();
  if (name.includes('gpu')) return 'cuda';
  return PLATFORMS.find((platform) => name.includes(platform));
}
