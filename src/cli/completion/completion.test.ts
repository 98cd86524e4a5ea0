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

const ROOT = join(import.meta.dirname, '..', '..', '..');
const SEPAL = `"${process.execPath}" --no-warnings "${MAIN}"`;

/** What zsh's completion system is given for the last of these words: its own functions print what they get. */
function inZsh(...words: readonly string[]): string[] {
  const script = [
    `sepal() { ${SEPAL} "$@"; }`,
    'compdef() { :; }',
    '_files() { print -l -- FILES; }',
    '_describe() { print -l -- "${(@P)2}"; }',
    SCRIPTS.zsh,
    `words=(sepal ${words.map((word) => `'${word}'`).join(' ')})`,
    `CURRENT=${words.length + 1}`,
    '_sepal',
  ].join('\n');
  // Without candidates the last test of the function is false.
  const { stdout, stderr } = spawnSync('zsh', ['-f', '-c', script], { encoding: 'utf8', cwd: ROOT });
  assert.equal(stderr, '');
  return stdout.split('\n').filter((line) => line !== '');
}

test('zsh completes commands with what they do, options, their values, and files', { skip: skip('zsh') }, () => {
  assert.match(inZsh('mod').join('\n'), /^models:architectures, with [^\n]+$/);
  assert.deepEqual(inZsh('plugin', '').map((line) => line.split(':')[0]), ['list', 'install', 'where']); // prettier-ignore
  assert.match(inZsh('train', '--bat')[0], /^--batch-size:images a step/);
  assert.deepEqual(inZsh('evaluate', 'run', '--device', 'cu').map((line) => line.split(':')[0]), ['cuda']); // prettier-ignore
  assert.deepEqual(inZsh('predict', 'packa'), ['FILES']);
});

/** What fish offers for a line. */
function inFish(line: string): string[] {
  const script = [`function sepal; ${SEPAL} $argv; end`, SCRIPTS.fish, `complete -C '${line}'`].join('\n');
  const { stdout, stderr, status } = spawnSync('fish', ['--no-config', '-c', script], { encoding: 'utf8', cwd: ROOT });
  assert.equal(status, 0, stderr);
  return stdout.split('\n').filter((each) => each !== '');
}

test('fish completes commands with what they do, options, their values, and files', { skip: skip('fish') }, () => {
  assert.match(inFish('sepal mod').join('\n'), /^models\tarchitectures, with [^\n]+$/);
  assert.deepEqual(inFish('sepal plugin ').map((each) => each.split('\t')[0]).toSorted(), ['install', 'list', 'where']); // prettier-ignore
  assert.match(inFish('sepal train --bat')[0], /^--batch-size\timages a step/);
  assert.deepEqual(inFish('sepal evaluate run --device cu').map((each) => each.split('\t')[0]), ['cuda']); // prettier-ignore
  const files = inFish('sepal predict packa').map((each) => each.split('\t')[0]);
  assert.deepEqual(files.toSorted(), ['package-lock.json', 'package.json']);
});
