import { execFileSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** Installs Node of a version, such as `22`, from its npm package; gives its file. */
export async function installNode(version: string, folder: string): Promise<string> {
  const project = join(folder, `node-${version}`);
  await mkdir(project, { recursive: true });
  await writeFile(join(project, 'package.json'), JSON.stringify({ private: true }));
  npm(process.execPath, ['install', `node@${version}`], project);
  return join(project, 'node_modules', 'node', 'bin', 'node');
}

/** Runs this machine's npm by a Node of one's choice. */
export function npm(node: string, args: readonly string[], cwd: string): string {
  const quiet = ['--no-fund', '--no-audit', '--prefer-offline', '--loglevel=error'];
  return execFileSync(node, [npmFile(), ...args, ...quiet], {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    env: withoutNpmSettings(),
  });
}

/** npm's own script: known inside `npm run`, else the one that `npm` on the path leads to. @throws where there is none. */
function npmFile(): string {
  if (process.env.npm_execpath !== undefined) return process.env.npm_execpath;
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    // Where npm is a script of the shell, as on Windows, its own one lies beside it.
    for (const name of ['npm', join('node_modules', 'npm', 'bin', 'npm-cli.js')]) {
      const path = join(folder, name);
      if (!existsSync(path)) continue;
      const file = realpathSync(path);
      if (file.endsWith('.js')) return file;
    }
  }
  throw new Error('there is no npm on the path');
}

/** The environment without what `npm run` sets, which belongs to the project that it runs in. */
function withoutNpmSettings(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_(?:package|lifecycle|config_local|config_prefix)/.test(name))); // prettier-ignore
}
