import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

const MAIN = join(import.meta.dirname, '..', 'main.ts');
const serve = (...args: string[]) =>
  spawnSync(process.execPath, [MAIN, 'serve', 'no-run', ...args], { encoding: 'utf8' });

for (const [flag, value, most] of [
  ['--max-megapixels', '101', '100'],
  ['--max-mb', '300', '256'],
] as const) {
  test(`${flag} ${value} is more than the server can take`, () => {
    const { status, stderr } = serve(flag, value);
    assert.equal(status, 2, stderr);
    assert.match(
      stderr,
      new RegExp(`'${flag} <n>' argument '${value}' is invalid. expected a number above 0 and at most ${most}\\.`),
    );
  });
}
