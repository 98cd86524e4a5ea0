import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { testOnCpu } from '../../test/plugins.ts';
import { Api } from './api.ts';
import { addressOf, openLibrary, nativeFunction, readBytes, readWords } from './ffi.ts';
import { loadPlugin, PluginLoadError } from './index.ts';

async function temporaryFolder(context: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'sepal-pjrt-'));
  context.after(() => rm(path, { recursive: true }));
  return path;
}

test('a missing file is told with its path', async () => {
  await assert.rejects(loadPlugin('/no/such/plugin.so'), (error: unknown) => {
    assert.ok(error instanceof PluginLoadError);
    assert.equal(error.code, 'PLUGIN_NOT_FOUND');
    assert.match(error.message, /\/no\/such\/plugin\.so/);
    return true;
  });
});

test('a damaged file is told with the reason of the loader', async (context) => {
  const folder = await temporaryFolder(context);
  const path = join(folder, 'plugin.so');
  await writeFile(path, 'not a library at all, but long enough to have room for a header of sixty-four bytes');
  await assert.rejects(loadPlugin(path), (error: unknown) => {
    assert.ok(error instanceof PluginLoadError);
    assert.equal(error.code, 'PLUGIN_LOAD_FAILED');
    assert.match(error.message, /plugin\.so: .*\w/);
    assert.ok(error.hint);
    return true;
  });
});

test(
  'a library that is no plugin is told apart from a broken one',
  { skip: process.platform === 'win32' },
  async () => {
    const header = process.report.getReport() as { sharedObjects?: string[] };
    const library = header.sharedObjects?.find((path) => /libm[.-]/.test(path) && path.startsWith('/'));
    assert.ok(library, 'the math library is loaded in every Node process');
    await assert.rejects(loadPlugin(library), { code: 'NOT_A_PLUGIN' });
  },
);

const noCompiler = spawnSync('cc', ['--version']).status === 0 ? false : 'needs a C compiler';

test('a plugin of a version that Sepal does not speak is refused with both', { skip: noCompiler }, async (context) => {
  const folder = await temporaryFolder(context);
  const build = (major: number, minor: number) => {
    const path = join(folder, `plugin-${major}.${minor}.so`);
    const input = `struct { long size; void *extension; long size2; void *extension2; int major, minor; void *calls[100]; } table = {sizeof table, 0, 24, 0, ${major}, ${minor}};
      void *GetPjrtApi(void) { return &table; }`;
    const { status, stderr } = spawnSync('cc', ['-shared', '-fPIC', '-x', 'c', '-', '-o', path], { input });
    assert.equal(status, 0, String(stderr));
    return path;
  };
  await assert.rejects(loadPlugin(build(1, 2)), { code: 'PLUGIN_TOO_NEW', expected: 'PJRT API 0.x', received: '1.2' });
  await assert.rejects(loadPlugin(build(0, 40)), { code: 'PLUGIN_TOO_OLD', received: '0.40', hint: /plugin install/ });
});

testOnCpu('a file is loaded once, by whatever path', async (path, context) => {
  const folder = await temporaryFolder(context);
  const link = join(folder, 'link.so');
  await symlink(path, link);
  assert.equal(await loadPlugin(link), await loadPlugin(path));
});

testOnCpu('a plugin says which versions it speaks', async (path) => {
  const plugin = await loadPlugin(path);
  assert.equal(plugin.apiVersion.major, 0);
  assert.ok(plugin.apiVersion.minor > 0);
  const current = plugin.attributes()['stablehlo_current_version'];
  assert.ok(Array.isArray(current) && current.length === 3, 'major, minor and patch');
});

testOnCpu('a function the plugin lacks is an error with its name, the plugin and its version', async (path) => {
  await loadPlugin(path);
  const getApi = openLibrary(path).symbol('GetPjrtApi');
  assert.ok(getApi);
  const original = nativeFunction(getApi).call(0n);
  // The table of an older plugin: the same, but it ends before PJRT_Compile.
  const table = new BigUint64Array(readBytes(original, (5 + 89) * 8).buffer);
  table[0] = BigInt(table.byteLength);
  const api = new Api(addressOf(table), path);
  assert.ok(api.has('Client_Create'));
  assert.ok(!api.has('Compile'));
  assert.equal(readWords(original, 1)[0] > table[0], true);
  assert.throws(() => api.call('Compile', {}), {
    code: 'UNIMPLEMENTED',
    message: `the plugin ${path} (PJRT API 0.${api.version.minor}) has no function PJRT_Compile`,
  });
});
