import { access, stat } from 'node:fs/promises';
import { cacheFolder, type InstalledPlugin } from '../../assets/index.ts';
import { writeFile } from '../../base/index.ts';
import { CompileCache } from '../cache/compile-cache.ts';
import { RuntimeError } from '../errors.ts';
import { probePlugin } from './plugin-probe.ts';

/** Variables that plugins read when they start, and that some end the process over. */
const VARIABLES = ['XLA_FLAGS', 'LIBTPU_INIT_ARGS', 'LD_LIBRARY_PATH', 'CUDA_VISIBLE_DEVICES', 'HIP_VISIBLE_DEVICES'];

/**
 * Tries a plugin in a child process before this one loads it: some end the process where others return an error, and
 * then there would be nobody left to say why.
 *
 * It is tried once for each build and each setting of the variables that it reads; the cache remembers which it survived.
 *
 * @throws RuntimeError `PLUGIN_DIED` with what the plugin last said.
 */
export async function requireSurvivable(plugin: InstalledPlugin): Promise<void> {
  const { size, mtimeMs } = await stat(plugin.path);
  const settings = VARIABLES.map((name) => process.env[name] ?? '');
  const key = CompileCache.key(plugin.path, `${size} ${mtimeMs}`, process.version, ...settings);
  const survived = cacheFolder('survived', key);
  if (await exists(survived)) return;
  const result = await probePlugin({ plugin, devices: true });
  // An error is said better by the attempt itself.
  if (!('failed' in result) || result.died === undefined) {
    await writeFile(survived, '').catch(() => {});
    return;
  }
  const named = VARIABLES.filter((name) => process.env[name] !== undefined && result.failed.includes(name));
  throw new RuntimeError(
    'PLUGIN_DIED',
    `the ${plugin.platform} plugin ends the process that loads it: ${result.died}`,
    {
      received: plugin.path,
      hint: named.length > 0 ? `correct or unset ${named.join(' and ')}` : 'sepal doctor shows more; another build of the plugin may help', // prettier-ignore
    },
  );
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
