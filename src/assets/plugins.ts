import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { didYouMean, UsageError } from '../base/index.ts';
import { AssetError } from './asset-error.ts';
import { pathFromEnvironment } from './plugin-path.ts';
import { pluginByName, PLUGINS, runsHere, type PluginPlatform, type PluginRow } from './plugin-manifest.ts';
import { findInPlaces, systemPlaces } from './system-plugins.ts';
import { assetFolder, findInstalled, installFromWheel, type InstallOptions } from './wheel-asset.ts';

/** A plugin on this machine. */
export interface InstalledPlugin {
  /** The manifest's name, such as `cpu-zml`; the platform's name for a plugin from elsewhere. */
  readonly name: string;
  readonly platform: PluginPlatform;
  readonly path: string;
  /** The package's version, where it is known. */
  readonly version: string | undefined;
  /** `system` is a file that another installation, such as JAX, put where it usually does. */
  readonly source: 'SEPAL_PLUGIN_PATH' | 'TPU_LIBRARY_PATH' | 'cache' | 'system';
}

/** A row of the manifest and what of it is on this machine. */
export interface PluginStatus {
  readonly row: PluginRow;
  /** Whether this machine's system and processor are those that it was built for. */
  readonly runsHere: boolean;
  /** The file in the cache. */
  readonly installed: string | undefined;
}

/**
 * The plugin that drives a platform on this machine.
 *
 * `SEPAL_PLUGIN_PATH` wins, then for TPUs `TPU_LIBRARY_PATH`, then the cache, then the places where other software
 * installs plugins. A file that a variable names and that isn't there is an error, never a reason to look further.
 *
 * @throws AssetError `PLUGIN_MISSING` with every path tried and the command that installs it.
 */
export async function findPlugin(platform: PluginPlatform): Promise<InstalledPlugin> {
  const named: readonly ['SEPAL_PLUGIN_PATH' | 'TPU_LIBRARY_PATH', string | undefined][] = [
    ['SEPAL_PLUGIN_PATH', pathFromEnvironment(platform)],
    ['TPU_LIBRARY_PATH', platform === 'tpu' ? process.env.TPU_LIBRARY_PATH : undefined],
  ];
  for (const [source, path] of named) {
    if (path === undefined || path === '') continue;
    if (!(await exists(path))) {
      throw new AssetError('PLUGIN_MISSING', `${source} names ${path}, which is not there`, {
        hint: `correct ${source}, or unset it to use a plugin from the cache`,
      });
    }
    return { name: platform, platform, path, version: undefined, source };
  }

  const rows = PLUGINS.filter((row) => row.platform === platform && runsHere(row));
  for (const row of rows) {
    const found = await findInstalled('plugins', row);
    if (found !== undefined) {
      return { name: row.name, platform, path: found.path, version: found.receipt.version, source: 'cache' };
    }
  }

  const places = systemPlaces(platform);
  const elsewhere = await findInPlaces(places);
  if (elsewhere !== undefined) return { name: platform, platform, ...elsewhere, source: 'system' };

  const tried = [...rows.map((row) => join(assetFolder('plugins', row), fileName(row))), ...places];
  throw new AssetError(
    'PLUGIN_MISSING',
    [`there is no ${platform} plugin on this machine; looked for`, ...tried.map((path) => `  ${path}`)].join('\n'),
    { hint: rows.length > 0 ? `run: sepal plugin install ${platform}` : noBuildHint(platform) },
  );
}

/**
 * Installs a plugin of the manifest into the cache; does nothing where it is there already.
 *
 * @param name - Such as `cpu`, `tpu`, `cuda`, `cpu-zml`.
 * @throws UsageError `UNKNOWN_PLUGIN`, AssetError `WRONG_MACHINE` and all that `installFromWheel` throws.
 */
export async function installPlugin(name: string, options: InstallOptions = {}): Promise<InstalledPlugin> {
  const row = pluginByName(name);
  if (row === undefined) {
    const hint = didYouMean(
      name,
      PLUGINS.map((known) => known.name),
    );
    throw new UsageError('UNKNOWN_PLUGIN', `there is no plugin "${name}"`, { hint });
  }
  if (!runsHere(row)) {
    throw new AssetError('WRONG_MACHINE', `the plugin ${name} is built for another machine`, {
      expected: `${row.host.platform} ${row.host.arch}`,
      received: `${process.platform} ${process.arch}`,
      hint: noBuildHint(row.platform),
    });
  }
  const { path, receipt } = await installFromWheel('plugins', row, options);
  return { name, platform: row.platform, path, version: receipt.version, source: 'cache' };
}

/** Every plugin of the manifest with what is installed. */
export async function listPlugins(): Promise<PluginStatus[]> {
  return Promise.all(
    PLUGINS.map(async (row) => ({
      row,
      runsHere: runsHere(row),
      installed: (await findInstalled('plugins', row))?.path,
    })),
  );
}

function fileName(row: PluginRow): string {
  return row.member.slice(row.member.lastIndexOf('/') + 1);
}

function noBuildHint(platform: PluginPlatform): string {
  return `get a ${platform} plugin for ${process.platform} ${process.arch} (docs/plugins.md says where) and set SEPAL_PLUGIN_PATH=${platform}=FILE`;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
