import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

const MAIN = join(import.meta.dirname, '..', 'main.ts');

const launch = (target: string, ...settings: string[]) =>
  spawnSync(
    process.execPath,
    [MAIN, 'launch', 'cnn', '--target', target, '--image', 'sepal:1', '--data', '/data/set', '--set', ...settings],
    { encoding: 'utf8' },
  );

test('what the pods of several hosts would refuse is refused before the job is written; one host may do it', () => {
  const many = launch('v5e-16', 'onDivergence.policy=roll-back');
  assert.equal(many.status, 1, many.stdout);
  assert.equal(many.stdout, '');
  assert.match(
    many.stderr,
    /^error: several hosts can stop or skip .*\n +hint: set onDivergence\.policy to stop or skip/,
  );

  assert.equal(launch('v5e-16', 'onDivergence.policy=skip').status, 0);
  assert.equal(launch('v5e-8', 'onDivergence.policy=roll-back').status, 0);
});
