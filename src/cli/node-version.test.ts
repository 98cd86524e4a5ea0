import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { nodeProblem } from './node-version.ts';

const MAIN = join(import.meta.dirname, 'main.ts');

test('the oldest Node.js is the one of package.json', () => {
  const { engines } = JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', 'package.json'), 'utf8')) as {
    engines: { node: string };
  };
  const oldest = engines.node.replace('>=', '');
  assert.equal(nodeProblem(`${oldest}.0`), undefined);
  assert.equal(nodeProblem('24.0.0'), undefined);
  for (const version of ['18.20.0', '20.19.0', '22.17.1']) {
    assert.match(nodeProblem(version)!, new RegExp(`expected ${oldest} or newer; received ${version}\\n {2}hint: `));
  }
});

test('an older one is told in a line, before what it lacks is imported', () => {
  const older = "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.19.0' } })";
  const { status, stderr, stdout } = spawnSync(
    process.execPath,
    ['--import', `data:text/javascript,${encodeURIComponent(older)}`, MAIN, 'doctor'],
    { encoding: 'utf8' },
  );
  assert.match(stderr, /^error: Sepal can't run on this version of Node\.js; .*\n {2}hint: .*\n$/);
  assert.deepEqual([status, stdout], [1, '']);
  // An import of what an older one doesn't have would end it before any line is run.
  const imports = readFileSync(MAIN, 'utf8').match(/^import .* from '(.*)';$/gm) ?? [];
  assert.ok(imports.length > 0 && imports.every((line) => / from '\.\/.*';$/.test(line)), imports.join('\n'));
});
