import { existsSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import type { PluginPlatform } from './plugin-manifest.ts';

/** Where Python packages and system images put plugins, as paths inside a site-packages folder. */
const IN_SITE_PACKAGES: Record<PluginPlatform, readonly string[]> = {
  cpu: [],
  tpu: ['libtpu/libtpu.so'],
  cuda: ['jax_plugins/xla_cuda13/xla_cuda_plugin.so', 'jax_plugins/xla_cuda12/xla_cuda_plugin.so'],
  rocm: ['jax_plugins/xla_rocm7/xla_rocm_plugin.so'],
};

/** Google's images for TPU machines have the library here. */
const TPU_IMAGES: readonly string[] = ['/lib/libtpu.so', '/usr/lib/libtpu.so', '/usr/local/lib/libtpu.so'];

/** The places outside the cache where a platform's plugin may be, as glob patterns, best first. */
export function systemPlaces(platform: PluginPlatform): string[] {
  const { VIRTUAL_ENV, CONDA_PREFIX } = process.env;
  const prefixes = [VIRTUAL_ENV, CONDA_PREFIX, pythonPrefix(), join(homedir(), '.local'), '/usr/local', '/usr'];
  const given = prefixes.filter((prefix): prefix is string => prefix !== undefined && prefix !== '');
  const sites = [...new Set(given)].flatMap((prefix) =>
    ['site-packages', 'dist-packages'].map((name) => join(prefix, 'lib', 'python3*', name)),
  );
  const inPackages = sites.flatMap((site) => IN_SITE_PACKAGES[platform].map((file) => join(site, file)));
  return platform === 'tpu' ? [...TPU_IMAGES, ...inPackages] : inPackages;
}

/** What the `python3` that a shell finds was installed under; of a virtual environment that need not be active its own folder. */
function pythonPrefix(): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  const found = folders.find((folder) => existsSync(join(folder, 'python3')));
  return found === undefined ? undefined : dirname(found);
}

/** The first file that is in one of `places`, with the version that the package beside it states, if any. */
export async function findInPlaces(
  places: readonly string[],
): Promise<{ path: string; version: string | undefined } | undefined> {
  for (const place of places) {
    for await (const path of glob(place)) return { path, version: await versionBeside(path) };
  }
  return undefined;
}

/** `…/site-packages/libtpu/libtpu.so` → the version in `…/site-packages/libtpu-0.0.52.dist-info`. */
async function versionBeside(path: string): Promise<string | undefined> {
  const names: Record<string, string> = {
    libtpu: '../libtpu',
    xla_cuda13: '../../jax_cuda13_pjrt',
    xla_cuda12: '../../jax_cuda12_pjrt',
    xla_rocm7: '../../jax_rocm7_pjrt',
  };
  const folder = dirname(path);
  const base = Object.entries(names).find(([name]) => folder.endsWith(`/${name}`))?.[1];
  if (base === undefined) return undefined;
  for await (const info of glob(join(folder, `${base}-*.dist-info`))) return /-([^-/]+)\.dist-info$/.exec(info)?.[1];
  return undefined;
}
