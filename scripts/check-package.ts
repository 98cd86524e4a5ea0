// Packs the package as it is published, and uses it from a project of its own: every subpath is imported by name, the examples
// are type-checked against the published types and run, and the command starts.
import { execFileSync } from 'node:child_process';
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { findPlugin } from '../src/assets/index.ts';
import { formatBytes } from '../src/base/index.ts';
import { run } from './process.ts';

const ROOT = join(import.meta.dirname, '..');
/** Node finds the dependencies in the folder above. */
const PROJECT = join(ROOT, '.package-check');
const INSTALLED = join(PROJECT, 'node_modules', 'sepal');

interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly unpackedSize: number;
  readonly entryCount: number;
}

async function must(command: string, args: readonly string[], cwd = PROJECT): Promise<void> {
  const status = await run(command, args, cwd);
  if (status !== 0) process.exit(status);
}

await rm(PROJECT, { recursive: true, force: true });
await mkdir(INSTALLED, { recursive: true });
await must(process.execPath, [join(ROOT, 'scripts', 'build.ts')], ROOT);

const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', PROJECT];
const packed = execFileSync('npm', pack, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
const [tarball] = JSON.parse(packed) as Packed[];
console.log(
  `${tarball.entryCount} files, ${formatBytes(tarball.size)} packed, ${formatBytes(tarball.unpackedSize)} unpacked`,
);
await must('tar', ['-xzf', join(PROJECT, tarball.filename), '-C', INSTALLED, '--strip-components=1']);

const manifest = JSON.parse(await readFile(join(INSTALLED, 'package.json'), 'utf8')) as {
  exports: Record<string, unknown>;
};
const { messages } = await publint({ pkgDir: INSTALLED, pack: false, strict: true });
for (const message of messages) console.log(formatMessage(message, manifest, { color: false }));
if (messages.some(({ type }) => type !== 'suggestion')) process.exit(1);

await cp(join(ROOT, 'examples'), PROJECT, { recursive: true });
const compilerOptions = {
  strict: true,
  module: 'nodenext',
  target: 'es2024',
  lib: ['es2024', 'esnext.disposable'],
  types: ['node'],
  noEmit: true,
};
await writeFile(join(PROJECT, 'package.json'), JSON.stringify({ name: 'project', private: true, type: 'module' }));
await writeFile(join(PROJECT, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
await must(join(ROOT, 'node_modules', '.bin', 'tsc'), ['--project', PROJECT]);

const subpaths = Object.keys(manifest.exports)
  .filter((path) => path !== './package.json')
  .map((path) => path.replace('.', 'sepal'));
const imports = subpaths.map((path) => `await import('${path}')`).join(', ');
await must(process.execPath, ['--input-type=module', '--eval', `console.log([${imports}].length + ' subpaths')`]);
await must(process.execPath, [join(INSTALLED, 'dist', 'cli', 'main.js'), '--version']);

const hasPlugin = await findPlugin('cpu').then(
  () => true,
  () => false,
);
for (const example of hasPlugin ? (await readdir(PROJECT)).filter((name) => name.endsWith('.ts')) : []) {
  console.log(`\n$ node examples/${example}`);
  await must(process.execPath, [example]);
}
if (!hasPlugin) console.log('the examples were not run: they need the CPU plugin (sepal plugin install cpu)');
await rm(PROJECT, { recursive: true });
