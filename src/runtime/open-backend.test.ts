import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { delimiter, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { skipWithoutCpuPlugin as skip } from '../../test/backend.ts';
import { testOnLibtpu } from '../../test/plugins.ts';
import { findPlugin } from '../assets/index.ts';
import { HARDWARE } from './accelerators.ts';
import { openBackend } from './open-backend.ts';

// Asked for before any test changes a variable.
const [cuda, rocm] = await Promise.all(
  (['cuda', 'rocm'] as const).map((platform) => findPlugin(platform).catch(() => undefined)),
);
const tpu = (await HARDWARE.tpu.find()).length > 0;
const accelerator = tpu || (await HARDWARE.cuda.find()).length > 0 || (await HARDWARE.rocm.find()).length > 0;

test('senseless replicas, threads, fractions and unknown devices are refused before a plugin starts', async () => {
  for (const replicas of [0, -1, 1.5, NaN]) {
    await assert.rejects(openBackend({ device: 'cpu', replicas }), {
      code: 'NO_DEVICE',
      message: `there can't be ${replicas} replicas`,
      expected: 'a whole number from 1',
    });
    const message = `there can't be ${replicas} threads`;
    await assert.rejects(openBackend({ device: 'cpu', threads: replicas }), { code: 'THREADS', message });
  }
  await assert.rejects(openBackend({ device: 'cuda', memoryFraction: 1.5 }), { code: 'MEMORY_FRACTION' });
  const device = 'gpu' as unknown as 'cpu';
  await assert.rejects(openBackend({ device }), {
    code: 'NO_DEVICE',
    message: 'there is no device "gpu"',
    hint: 'did you mean "cuda" or "rocm"?',
  });
});

test('what is to be freed after the devices is, once', { skip }, async () => {
  let freed = 0;
  const onClose = async () => void freed++;
  const backend = await openBackend({ device: 'cpu', onClose });
  assert.equal(freed, 0);
  await backend.close();
  assert.equal(freed, 1);
});

test('a device whose plugin a variable names wrongly is an error', async (t) => {
  setVariable(t, 'SEPAL_PLUGIN_PATH', 'tpu=/nowhere/libtpu.so');
  await assert.rejects(openBackend({ device: 'tpu' }), {
    code: 'PLUGIN_MISSING',
    message: /\/nowhere\/libtpu\.so/,
    hint: /SEPAL_PLUGIN_PATH/,
  });
});

test('a plugin that is not there is an error that lists where it was looked for', async (t) => {
  setVariable(t, 'SEPAL_CACHE', '/nowhere');
  setVariable(t, 'SEPAL_PLUGIN_PATH', '');
  for (const device of ['tpu', 'cuda', 'rocm'] as const) {
    const elsewhere = await findPlugin(device).catch(() => undefined);
    if (elsewhere !== undefined) continue;
    await assert.rejects(openBackend({ device }), {
      code: 'PLUGIN_MISSING',
      message: new RegExp(`^there is no ${device} plugin on this machine; looked for\\n(.*\\n)*.*\\.so`),
      hint: /sepal plugin install \w+|docs\/plugins\.md/,
    });
  }
});

const noFallback = accelerator ? 'this machine has an accelerator' : skip;

test('auto takes the CPU where there is nothing else, and says what it tried', { skip: noFallback }, async (t) => {
  const { path } = await findPlugin('cpu');
  // Nobody starts a plugin for devices that the machine doesn't have.
  const nowhere = ['tpu=/nowhere/libtpu.so', 'cuda=/nowhere/cuda.so', 'rocm=/nowhere/rocm.so'];
  setVariable(t, 'SEPAL_PLUGIN_PATH', [`cpu=${path}`, ...nowhere].join(delimiter));
  const said: string[] = [];
  const log = {
    info: (line: string) => said.push(line),
    warn: () => assert.fail('nothing to warn of'),
    debug: () => {},
  };
  const backend = await openBackend({ log, compileCache: false });
  t.after(() => backend.close());
  assert.equal(backend.platform, 'cpu');
  assert.equal(backend.replicas, 1);
  assert.deepEqual(said, [
    'device  tried tpu (no TPU: no /dev/accel*, /dev/vfio/N), cuda (no NVIDIA GPU: no /dev/nvidia*, /proc/driver/nvidia), ' +
      'rocm (no AMD GPU: no /dev/kfd); running on the CPU',
  ]);
});

const testWithoutTpu = tpu ? () => test('a machine without a TPU', { skip: 'this machine has one' }) : testOnLibtpu;

testWithoutTpu('a TPU that is not there is an error, never another device', async () => {
  await assert.rejects(openBackend({ device: 'tpu' }), {
    code: 'NO_DEVICE',
    message: 'there is no TPU on this machine',
    expected: '/dev/accel*, /dev/vfio/N',
    hint: /--device auto/,
  });
});

testWithoutTpu('a TPU that another process holds is told with that process', async (_path, t) => {
  // libtpu takes its lock even where it then finds no TPU; the first child holds it while the second one asks.
  const env = { ...process.env, ALLOW_MULTIPLE_LIBTPU_LOAD: '0' };
  const program = join(import.meta.dirname, '..', '..', 'test', 'open-tpu-child.ts');
  const start = () => {
    const child = fork(program, { env, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    t.after(() => child.kill('SIGKILL'));
    return child;
  };
  await once(start(), 'message');
  const [said] = (await once(start(), 'message')) as [{ code: string; line: string }];
  assert.equal(said.code, 'DEVICE_BUSY');
  assert.match(said.line, /^the TPU is held by process \d+ \(.+\)\n {2}hint: end it: kill \d+$/);
});

const noDriver = cuda === undefined ? 'needs sepal plugin install cuda' : accelerator && 'this machine has a GPU';

test('a machine without the NVIDIA driver is told so', { skip: noDriver }, async () => {
  await assert.rejects(openBackend({ device: 'cuda' }), {
    code: 'NO_DRIVER',
    message: 'there is no NVIDIA driver on this machine',
    hint: /docker run --gpus all/,
  });
});

const noRocm = rocm === undefined ? 'needs sepal plugin install rocm' : accelerator && 'this machine has a GPU';

test('a library that the ROCm plugin misses is named', { skip: noRocm }, async () => {
  await assert.rejects(openBackend({ device: 'rocm' }), {
    code: 'LIBRARY_MISSING',
    message: /^the ROCm plugin needs lib[\w-]+\.so[.\d]*, which is not on this machine$/,
    hint: /LD_LIBRARY_PATH/,
  });
});

function setVariable(t: TestContext, name: string, value: string): void {
  const before = process.env[name];
  process.env[name] = value;
  t.after(() => {
    if (before === undefined) delete process.env[name];
    else process.env[name] = before;
  });
}
