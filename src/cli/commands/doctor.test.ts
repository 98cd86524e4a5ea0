import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { findPlugin } from '../../assets/index.ts';
import type { Check, Section } from '../doctor/check.ts';
import { checkCpu } from '../doctor/plugins.ts';

const MAIN = join(import.meta.dirname, '..', 'main.ts');
const folder = await mkdtemp(join(tmpdir(), 'sepal-doctor-'));
after(() => rm(folder, { recursive: true }));

const noPlugin = await findPlugin('cpu').then(
  () => false,
  () => 'needs sepal plugin install cpu',
);
const noCompiler = spawnSync('cc', ['--version']).status === 0 ? false : 'needs a C compiler';

/** Runs `sepal doctor --json` with variables of its own. */
async function doctor(variables: Record<string, string> = {}): Promise<{ status: number; checks: Map<string, Check> }> {
  const done = Promise.withResolvers<{ status: number; checks: Map<string, Check> }>();
  const env = { ...process.env, ...variables };
  const child = execFile(process.execPath, [MAIN, 'doctor', '--json'], { env }, (_error, stdout, stderr) => {
    try {
      const { sections } = JSON.parse(stdout) as { sections: Section[] };
      const checks = new Map(sections.flatMap((section) => section.checks).map((check) => [check.name, check]));
      done.resolve({ status: child.exitCode ?? -1, checks });
    } catch (cause) {
      done.reject(new Error(`sepal doctor printed no JSON: ${stdout}${stderr}`, { cause }));
    }
  });
  return done.promise;
}

/** Compiles a small shared library. */
function compile(name: string, source: string, ...flags: string[]): string {
  const path = join(folder, name);
  const { status, stderr } = spawnSync('cc', ['-shared', '-fPIC', '-x', 'c', '-', '-o', path, ...flags], {
    input: source,
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  return path;
}

test('with the CPU plugin all is well, and its devices are listed', { skip: noPlugin }, async () => {
  const { status, checks } = await doctor();
  assert.equal(status, 0);
  assert.equal(checks.get('Node.js')?.state, 'ok');
  assert.equal(checks.get('cache')?.state, 'ok');
  assert.match(checks.get('cpu plugin')?.text ?? '', /PJRT API 0\.\d+\n\d+ devices?: /);
});

test('with another device to run on, the CPU plugin is no problem where it is missing', async () => {
  const { SEPAL_CACHE, SEPAL_PLUGIN_PATH } = process.env;
  Object.assign(process.env, { SEPAL_CACHE: join(folder, 'empty'), SEPAL_PLUGIN_PATH: '' });
  try {
    const [check] = await checkCpu(new AbortController().signal, { wanted: false });
    assert.equal(check.state, 'none');
    assert.match(check.todo ?? '', /as well: sepal plugin install cpu/);
  } finally {
    restore('SEPAL_CACHE', SEPAL_CACHE);
    restore('SEPAL_PLUGIN_PATH', SEPAL_PLUGIN_PATH);
  }
});

function restore(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name];
  else process.env[name] = value;
}

test('without the CPU plugin it says how to get it, and fails', async () => {
  const { status, checks } = await doctor({ SEPAL_CACHE: join(folder, 'empty'), SEPAL_PLUGIN_PATH: '' });
  assert.equal(status, 1);
  assert.equal(checks.get('cpu plugin')?.state, 'problem');
  assert.match(checks.get('cpu plugin')?.todo ?? '', /sepal plugin install cpu/);
});

test('a file that is no plugin is named with the reason', async () => {
  const path = join(folder, 'libpjrt_cpu.so');
  await writeFile(path, 'no library');
  const { status, checks } = await doctor({ SEPAL_PLUGIN_PATH: path });
  assert.equal(status, 1);
  assert.equal(checks.get('cpu plugin')?.state, 'problem');
  assert.match(checks.get('cpu plugin')?.text ?? '', /libpjrt_cpu\.so\n.*\ndoes not work: /);
});

test('a plugin that crashes does not take the doctor with it', { skip: noCompiler }, async () => {
  const source = '#include <stdlib.h>\nvoid *GetPjrtApi(void) { abort(); }';
  const { status, checks } = await doctor({ SEPAL_PLUGIN_PATH: `cpu=${compile('crash.so', source)}` });
  assert.equal(status, 1);
  assert.match(checks.get('cpu plugin')?.text ?? '', /does not work: the process ended with SIGABRT/);
});

test('a shared library that a plugin misses is named', { skip: noCompiler }, async () => {
  const needed = compile('libneeded_by_plugin.so', 'int needed(void) { return 1; }');
  const source = 'int needed(void);\nvoid *GetPjrtApi(void) { return (void *)(long)needed(); }';
  const plugin = compile('lacking.so', source, `-L${folder}`, '-lneeded_by_plugin');
  await rm(needed);
  const { checks } = await doctor({ SEPAL_PLUGIN_PATH: `cpu=${plugin}` });
  assert.match(checks.get('cpu plugin')?.text ?? '', /libneeded_by_plugin\.so/);
});
