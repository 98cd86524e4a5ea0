// Builds the package as it is published and uses it so: every subpath is imported by name, and the command runs.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './process.ts';

const ROOT = join(import.meta.dirname, '..');
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { exports: Record<string, unknown> };
const subpaths = Object.keys(manifest.exports)
  .filter((path) => path !== './package.json')
  .map((path) => path.replace('.', 'sepal'));

const imports = subpaths.map((path) => `await import('${path}')`).join(', ');
const steps: readonly (readonly string[])[] = [
  [join(ROOT, 'scripts', 'build.ts')],
  ['--input-type=module', '--eval', `console.log([${imports}].length + ' subpaths')`],
  [join(ROOT, 'dist', 'cli', 'main.js'), '--version'],
];
for (const args of steps) {
  const status = await run(process.execPath, args, ROOT);
  if (status !== 0) process.exit(status);
}
