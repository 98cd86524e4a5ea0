import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

const MAIN = join(import.meta.dirname, '..', 'main.ts');
const models = (...args: string[]) => spawnSync(process.execPath, [MAIN, 'models', ...args], { encoding: 'utf8' });

test('a table with size, parameters, cost and year', () => {
  const { status, stdout, stderr } = models('*b0', 'vgg16');
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^vgg16 +224 +138\.4 M +30\.9 +2015 /m);
  assert.match(
    stdout,
    /^efficientnet-b0 +224 +5\.3 M +0\.77 +2019 .* imagenet \(Apache-2\.0\), noisy-student \(Apache-2\.0\)$/m,
  );
  assert.equal(stdout.trim().split('\n').length, 3);
});

test('JSON, for another size and number of classes', () => {
  const { stdout } = models('resnet50', '--size', '96', '--classes', '104', '--json');
  const [row] = JSON.parse(stdout) as { name: string; size: number; parameters: number }[];
  assert.deepEqual([row.name, row.size, row.parameters], ['resnet50', 96, 23_800_808]);
});

test('a wrong name gets the nearest ones', () => {
  const { status, stderr } = models('efficientnetb0');
  assert.equal(status, 1);
  assert.match(stderr, /no model is called "efficientnetb0"\n {2}hint: did you mean "efficientnet-b0"/);
});
