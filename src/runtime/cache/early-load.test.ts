import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { cpuBackend, skipWithoutCpuPlugin as skip } from '../../../test/backend.ts';
import { add, mul, type Tensor } from '../../xla/index.ts';
import type { Backend } from '../backend.ts';
import { CompileCache } from './compile-cache.ts';
import { EarlyLoad } from './early-load.ts';
import { jit } from '../jit.ts';
import { compileOptions } from '../program.ts';

const TYPE = { shape: [3], dtype: 'float32' } as const;
const LARGE = 'x'.repeat(100_000);

async function open(t: TestContext): Promise<{ backend: Backend; cache: CompileCache }> {
  const folder = await mkdtemp(join(tmpdir(), 'sepal-early-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const cache = new CompileCache(folder);
  const backend = await cpuBackend({ compileCache: cache });
  t.after(() => backend.close());
  return { backend, cache };
}

/** x + 0 + 1 + … in so many ops that it is remembered, on 1, 2, 3. */
async function run(backend: Backend, factor: number) {
  const body = (x: Tensor) => {
    for (let i = 0; i < 800; i++) x = add(x, i);
    return mul(x, factor);
  };
  const f = await jit(backend, body, [TYPE], { name: 'early' });
  const x = await backend.replicate(Float32Array.of(1, 2, 3), TYPE);
  const y = await f(x);
  const values = [...(await y.toHost())];
  for (const array of [x, y]) array.dispose();
  const { fromCache } = f.program;
  if ('kept' in f.program) await f.program.kept;
  f.dispose();
  return { fromCache, values };
}

const results = (factor: number) => [1, 2, 3].map((x) => Math.fround((x + (799 * 800) / 2) * factor));

suite('loading before tracing', { skip }, () => {
  test('the program that was made last for the same label, once its key is known', async (t) => {
    const { backend, cache } = await open(t);
    await run(backend, 1);
    const [key] = (await readdir(cache.folder)).flatMap((name) => /^(.*)\.pjrt$/.exec(name)?.[1] ?? []);
    const options = compileOptions(backend);
    await EarlyLoad.begin(backend, ['a label'], options)?.remember(key, LARGE);

    const early = EarlyLoad.begin(backend, ['a label'], options);
    assert.equal(await early?.take('another key'), undefined);
    const taken = await early?.take(key);
    assert.equal(taken?.numOutputs, 1);
    early?.dispose();
    assert.equal(taken.isDestroyed, false);
    taken.destroy();

    assert.equal(await EarlyLoad.begin(backend, ['another label'], options)?.take(key), undefined);
  });

  test('what isn’t taken is freed', async (t) => {
    const { backend, cache } = await open(t);
    await run(backend, 1);
    assert.equal(backend.client.executables.size, 0);
    const latest = (await readdir(cache.folder)).filter((name) => name.endsWith('.latest'));
    assert.equal(latest.length, 1);
    // The same name and types with another body: the guess is wrong, and the result right.
    assert.deepEqual(await run(backend, 2), { fromCache: false, values: results(2) });
    assert.deepEqual(await run(backend, 1), { fromCache: true, values: results(1) });
    await assert.rejects(
      jit(
        backend,
        (x: Tensor): Tensor => {
          throw new Error(`no model takes ${x.dtype}`);
        },
        [TYPE],
        { name: 'early' },
      ),
      /no model takes float32/,
    );
    // A load that nobody waits for may still go on.
    while (backend.client.executables.size > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  });

  test('a guess that is damaged, or of a program that is gone, costs nothing but time', async (t) => {
    const { backend, cache } = await open(t);
    assert.deepEqual(await run(backend, 1), { fromCache: false, values: results(1) });
    assert.deepEqual(await run(backend, 1), { fromCache: true, values: results(1) });
    const files = await readdir(cache.folder);
    const latest = files.find((name) => name.endsWith('.latest'))!;
    const program = files.find((name) => name.endsWith('.pjrt'))!;
    await writeFile(join(cache.folder, latest), '../../no key');
    assert.deepEqual(await run(backend, 1), { fromCache: true, values: results(1) });
    await rm(join(cache.folder, program));
    assert.deepEqual(await run(backend, 1), { fromCache: false, values: results(1) });
    // One that a plugin refuses, with its checksum.
    await cache.write(program.replace('.pjrt', ''), Buffer.from('no program of any plugin'));
    assert.deepEqual(await run(backend, 1), { fromCache: false, values: results(1) });
    assert.deepEqual(await run(backend, 1), { fromCache: true, values: results(1) });
  });

  test('small programs leave no note', async (t) => {
    const { backend, cache } = await open(t);
    const f = await jit(backend, (x: Tensor) => add(x, 1), [TYPE], { name: 'small' });
    f.dispose();
    assert.deepEqual(await readdir(cache.folder).catch(() => []), []);
  });
});
