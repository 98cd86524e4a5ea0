import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { SCRIPTS } from './scripts.ts';

const MAIN = join(import.meta.dirname, '..', 'main.ts');

const has = (shell: string) => spawnSync(shell, ['-c', 'true']).status === 0;
const skip = (shell: string) => (has(shell) ? false : `needs ${shell}`);

/** What bash offers for the last of these words. */
function inBash(...words: readonly string[]): string[] {
  const script = [
    `sepal() { "${process.execPath}" --no-warnings "${MAIN}" "$@"; }`,
    SCRIPTS.bash,
    `COMP_WORDS=(sepal ${words.map((word) => `'${word}'`).join(' ')})`,
    `COMP_CWORD=${words.length}`,
    '_sepal',
    'printf "%s\\n" "${COMPREPLY[@]}"',
  ].join('\n');
  const { stdout, status, stderr } = spawnSync('bash', ['--norc', '-c', script], {
    encoding: 'utf8',
    cwd: join(import.meta.dirname, '..', '..', '..'),
  });
  assert.equal(status, 0, stderr);
  return stdout.split('\n').filter((line) => line !== '');
}

test('bash completes commands, sub-commands, options, their values, and files', { skip: skip('bash') }, () => {
  assert.deepEqual(inBash('mod'), ['models']);
  assert.deepEqual(inBash('plugin', ''), ['list', 'install', 'where']);
  const options = inBash('train', '--bat');
  assert.deepEqual(options, ['--batch-size']);
  assert.deepEqual(inBash('evaluate', 'run', '--device', 'c').toSorted(), ['cpu', 'cuda']);
  assert.deepEqual(inBash('predict', 'packa').toSorted(), ['package-lock.json', 'package.json']);
});

for (const shell of ['zsh', 'fish'] as const) {
  test(`${shell} takes its script`, { skip: skip(shell) }, () => {
    const { status, stderr } = spawnSync(shell, ['-n', '-c', SCRIPTS[shell]], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
  });
}
