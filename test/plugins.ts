import assert from 'node:assert/strict';
import { basename, delimiter } from 'node:path';
import { test, type TestContext } from 'node:test';
import { findPlugin, type PluginPlatform } from '../src/assets/index.ts';
import { loadPlugin, type Client, type Options } from '../src/pjrt/index.ts';

/** Paths of plugins to test, as in PATH; without it, those that Sepal itself would use. */
const NAMED = (process.env.SEPAL_TEST_PLUGINS ?? '').split(delimiter).filter((path) => path !== '');
const isTpu = (path: string) => basename(path).includes('tpu');

const cpuPlugins = NAMED.length > 0 ? NAMED.filter((path) => !isTpu(path)) : await installed('cpu');
const tpuPlugins = NAMED.length > 0 ? NAMED.filter(isTpu) : await installed('tpu');

async function installed(platform: PluginPlatform): Promise<string[]> {
  try {
    return [(await findPlugin(platform)).path];
  } catch {
    return [];
  }
}

/** A test that runs once for each CPU plugin. Where there is none it is skipped, under `CI=true` it fails. */
export function testOnCpu(name: string, body: (path: string, context: TestContext) => Promise<void>): void {
  for (const path of cpuPlugins) test(`${name} (${basename(path)})`, (context) => body(path, context));
  if (cpuPlugins.length > 0) return;
  const reason = 'needs a CPU plugin: run `sepal plugin install cpu`, or set SEPAL_TEST_PLUGINS';
  test(name, { skip: process.env.CI === 'true' ? false : reason }, () => assert.fail(reason));
}

/** A test that needs libtpu, not a TPU. */
export function testOnLibtpu(name: string, body: (path: string, context: TestContext) => Promise<void>): void {
  const [path] = tpuPlugins;
  const skip = path === undefined && 'needs libtpu: run `sepal plugin install tpu`';
  test(name, { skip }, (context) => body(path, context));
}

/** A client that is destroyed at the end of the test. */
export async function openClient(context: TestContext, path: string, options: Options = {}): Promise<Client> {
  const client = await (await loadPlugin(path)).createClient(options);
  context.after(() => client.destroy());
  return client;
}
