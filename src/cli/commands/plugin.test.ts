import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

const MAIN = join(import.meta.dirname, '..', 'main.ts');
const folder = await mkdtemp(join(tmpdir(), 'sepal-plugin-'));
after(() => rm(folder, { recursive: true }));

/** Runs `sepal plugin …` with an empty cache. */
function plugin(...args: string[]) {
  const env = { ...process.env, SEPAL_CACHE: join(folder, 'cache'), SEPAL_PLUGIN_PATH: '' };
  return spawnSync(process.execPath, [MAIN, 'plugin', ...args], { env, encoding: 'utf8' });
}

test('list shows every pinned plugin, as a table or as JSON', () => {
  const table = plugin('list');
  assert.equal(table.status, 0, table.stderr);
  assert.match(table.stdout, /^cpu +lammps-jax-pjrt-cpu 0\.11\.2 /m);
  const rows = JSON.parse(plugin('list', '--json').stdout) as { name: string; installed: string | null }[];
  assert.deepEqual(
    rows.map(({ name, installed }) => [name, installed]),
    ['cpu', 'cpu-zml', 'cpu-openxla', 'tpu', 'cuda', 'rocm'].map((name) => [name, null]),
  );
});

test('where prints nothing but the error when the plugin is missing', () => {
  const { status, stdout, stderr } = plugin('where', 'cpu');
  assert.equal(status, 1);
  assert.equal(stdout, '');
  assert.match(stderr, /^error: there is no cpu plugin/);
});

test('where prints the path alone', async () => {
  const path = join(folder, 'libpjrt_cpu.so');
  await writeFile(path, '');
  const env = { ...process.env, SEPAL_PLUGIN_PATH: path };
  const { stdout } = spawnSync(process.execPath, [MAIN, 'plugin', 'where'], { env, encoding: 'utf8' });
  assert.equal(stdout, `${path}\n`);
});

test('install refuses a wheel with other bytes, on one line with both checksums', async (t) => {
  if (process.platform !== 'linux' || process.arch !== 'x64') return t.skip('no CPU plugin for this machine');
  const wheel = join(folder, 'plugin.whl');
  await writeFile(wheel, 'something else');
  const { status, stderr } = plugin('install', 'cpu', '--wheel', wheel);
  assert.equal(status, 1);
  assert.match(stderr, /^error: plugin\.whl .*expected sha256 [0-9a-f]{64}; received sha256 [0-9a-f]{64}\n  hint: /);
});

test('install of an unknown plugin lists the known ones', () => {
  const { status, stderr } = plugin('install', 'gpu');
  assert.equal(status, 2);
  assert.match(stderr, /cpu, cpu-zml, cpu-openxla, tpu, cuda, rocm/);
});
