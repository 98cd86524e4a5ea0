// `npm test`: lint, format, types, then all tests on the CPU plugin, which is brought first if it is not there.
// The last line says how many of all of these passed.
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { capture, run } from './process.ts';

const ROOT = join(import.meta.dirname, '..');
const bin = (name: string) => join(ROOT, 'node_modules', '.bin', name);

let passed = 0;
let failed = 0;

async function check(name: string, command: string, args: readonly string[]): Promise<void> {
  console.log(`\n== ${name}`);
  if ((await run(command, args, ROOT)) === 0) passed++;
  else failed++;
}

await check('lint', bin('oxlint'), ['--type-aware', '--deny-warnings']);
await check('format', bin('prettier'), ['--check', '--log-level', 'warn', '.']);
await check('types', bin('tsc'), []);
await check("the page's types", bin('tsc'), ['--project', 'src/serve/page']);
await check('package', process.execPath, ['scripts/check-package.ts', 'current']);
await check('CPU plugin', process.execPath, ['src/cli/main.ts', 'plugin', 'install', 'cpu']);

console.log('\n== tests');
const wanted = process.argv.slice(2);
const files = wanted.length > 0 ? wanted : globSync('{src,test,bench}/**/*.test.ts', { cwd: ROOT }).toSorted();
// XLA and the image decoders use every core by themselves: more files at once would only take turns.
const concurrency = String(Math.max(1, Math.floor(availableParallelism() / 2)));
const tests = await capture(
  process.execPath,
  ['--test', `--test-concurrency=${concurrency}`, '--test-reporter=spec', ...files],
  ROOT,
);
const count = (word: string) => Number(new RegExp(`^ℹ ${word} (\\d+)$`, 'm').exec(tests.output)?.[1] ?? 0);
passed += count('pass');
failed += count('fail') + count('cancelled');
// A runner that died before its summary has told nothing.
if (tests.status !== 0 && count('fail') + count('cancelled') === 0) failed++;

console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
