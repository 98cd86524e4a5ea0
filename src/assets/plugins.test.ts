import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { pathFromEnvironment } from './plugin-path.ts';
import { PLUGINS, runsHere } from './plugin-manifest.ts';
import { findPlugin, installPlugin, listPlugins } from './plugins.ts';

const here = PLUGINS.some((row) => row.platform === 'cpu' && runsHere(row));

/** An empty folder; the variables count until the test ends. */
async function environment(t: TestContext, variables: (folder: string) => Record<string, string>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sepal-plugins-'));
  const all: Record<string, string> = {
    SEPAL_CACHE: join(folder, 'cache'),
    SEPAL_PLUGIN_PATH: '',
    ...variables(folder),
  };
  const before = Object.keys(all).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, all);
  t.after(async () => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    await rm(folder, { recursive: true });
  });
  return folder;
}

test('SEPAL_PLUGIN_PATH gives a path per platform', () => {
  const list = ['cpu=/a/any.so', 'tpu=/b/lib.so'].join(delimiter);
  assert.equal(pathFromEnvironment('cpu', list), '/a/any.so');
  assert.equal(pathFromEnvironment('tpu', list), '/b/lib.so');
  assert.equal(pathFromEnvironment('cuda', list), undefined);
  assert.equal(pathFromEnvironment('cpu', ''), undefined);
});

test('a path without a platform counts for the one in its name, or for any', () => {
  assert.equal(pathFromEnvironment('tpu', '/x/libtpu.so'), '/x/libtpu.so');
  assert.equal(pathFromEnvironment('cpu', '/x/libtpu.so'), undefined);
  assert.equal(pathFromEnvironment('cuda', '/x/pjrt_c_api_gpu_plugin.so'), '/x/pjrt_c_api_gpu_plugin.so');
  assert.equal(pathFromEnvironment('cuda', '/x/libpjrt_cpu.so'), undefined);
  assert.equal(pathFromEnvironment('rocm', '/x/plugin.so'), '/x/plugin.so');
  assert.equal(
    pathFromEnvironment('cpu', '/x/libtpu.so:/x/libpjrt_cpu.so'.replace(':', delimiter)),
    '/x/libpjrt_cpu.so',
  );
});

test('an unknown platform in SEPAL_PLUGIN_PATH is refused', () => {
  assert.throws(() => pathFromEnvironment('cpu', 'gpu=/x/plugin.so'), {
    code: 'BAD_PLUGIN_PATH',
    expected: 'cpu, tpu, cuda, rocm',
  });
});

test('SEPAL_PLUGIN_PATH wins, and is an error where it names nothing', async (t) => {
  const folder = await environment(t, (root) => ({ SEPAL_PLUGIN_PATH: `cpu=${join(root, 'plugin.so')}` }));
  const path = join(folder, 'plugin.so');
  await assert.rejects(findPlugin('cpu'), { code: 'PLUGIN_MISSING', message: /SEPAL_PLUGIN_PATH names .*plugin\.so/ });
  await writeFile(path, '');
  assert.deepEqual(await findPlugin('cpu'), {
    name: 'cpu',
    platform: 'cpu',
    path,
    version: undefined,
    source: 'SEPAL_PLUGIN_PATH',
  });
});

test('libtpu is found where Python has it, with its version, and TPU_LIBRARY_PATH is preferred', async (t) => {
  const folder = await environment(t, (root) => ({ VIRTUAL_ENV: root, TPU_LIBRARY_PATH: '' }));
  const site = join(folder, 'lib', 'python3.12', 'site-packages');
  await mkdir(join(site, 'libtpu'), { recursive: true });
  await mkdir(join(site, 'libtpu-0.0.40.dist-info'));
  await writeFile(join(site, 'libtpu', 'libtpu.so'), '');
  const found = await findPlugin('tpu');
  // A TPU machine's image may have the library as well, and comes first.
  if (!found.path.startsWith('/lib') && !found.path.startsWith('/usr')) {
    assert.deepEqual([found.path, found.version], [join(site, 'libtpu', 'libtpu.so'), '0.0.40']);
  }
  assert.equal(found.source, 'system');

  process.env.TPU_LIBRARY_PATH = join(site, 'libtpu', 'libtpu.so');
  assert.equal((await findPlugin('tpu')).source, 'TPU_LIBRARY_PATH');
});

test(
  'a missing plugin names every path tried and the command',
  { skip: !here && 'no CPU plugin for this machine' },
  async (t) => {
    const folder = await environment(t, () => ({}));
    await assert.rejects(findPlugin('cpu'), (error: Error & { code: string; hint: string }) => {
      assert.equal(error.code, 'PLUGIN_MISSING');
      assert.ok(error.message.includes(join(folder, 'cache', 'plugins', 'lammps-jax-pjrt-cpu-0.11.2')));
      assert.match(error.hint, /sepal plugin install cpu/);
      return true;
    });
  },
);

test('an unknown plugin gets the nearest names', async () => {
  await assert.rejects(installPlugin('cpu-zmll'), { code: 'UNKNOWN_PLUGIN', hint: /did you mean .*"cpu-zml"/ });
});

test('a wheel of another package is refused', { skip: !here && 'no CPU plugin for this machine' }, async (t) => {
  const folder = await environment(t, () => ({}));
  const wheel = join(folder, 'other.whl');
  await writeFile(wheel, 'something else');
  await assert.rejects(installPlugin('cpu', { wheel }), {
    code: 'CHECKSUM_MISMATCH',
    message: /lammps-jax-pjrt-cpu 0\.11\.2/,
  });
});

test('the manifest is whole: names are unique and every row is pinned', async () => {
  const names = PLUGINS.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  assert.deepEqual(
    PLUGINS.filter(({ wheel }) => !/^[0-9a-f]{64}$/.test(wheel.sha256)),
    [],
  );
  assert.deepEqual(
    (await listPlugins()).map(({ row }) => row.name),
    names,
  );
});
