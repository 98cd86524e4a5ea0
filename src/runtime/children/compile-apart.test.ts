import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { cpuBackend, skipWithoutCpuPlugin as skip } from '../../../test/backend.ts';
import { add, lowerToStableHlo, mul, trace, type Tensor } from '../../xla/index.ts';
import { compileApart, isBetterApart } from './compile-apart.ts';
import { CompileCache } from '../cache/compile-cache.ts';
import { compile } from '../program.ts';

const ONE_HEAP = 'glibc.malloc.arena_max=1:glibc.malloc.tcache_count=0';
const TYPE = { shape: [3], dtype: 'float32' } as const;
const options = { replicas: 1, overrides: {} };
const form = 'fast';

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'sepal-apart-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** Says that this process has one heap, or many, for as long as a test runs. */
function setHeaps(t: TestContext, tunables: string): void {
  const before = process.env['GLIBC_TUNABLES'];
  process.env['GLIBC_TUNABLES'] = tunables;
  t.after(() => {
    if (before === undefined) delete process.env['GLIBC_TUNABLES'];
    else process.env['GLIBC_TUNABLES'] = before;
  });
}

/** x · 1.5 + 1, again and again: as many ops as wanted, none like another. */
const graph = (ops: number) =>
  trace([TYPE], (x: Tensor) => {
    for (let i = 0; i < ops; i++) x = add(mul(x, 1 + i / ops), i);
    return [x];
  });

suite('compiling in a process of its own', { skip }, () => {
  test('a large program, where the threads share a heap', async (t) => {
    setHeaps(t, ONE_HEAP);
    const backend = await cpuBackend({ compileCache: false });
    t.after(() => backend.close());
    assert.equal(isBetterApart(backend, 'x'.repeat(200_000)), true);
    assert.equal(isBetterApart(backend, 'x'.repeat(20_000)), false);
    setHeaps(t, 'glibc.malloc.hugetlb=1');
    assert.equal(isBetterApart(backend, 'x'.repeat(200_000)), false);
  });

  test('what the child has put into the cache runs here, and is no program from the cache', async (t) => {
    const path = await folder(t);
    const backend = await cpuBackend({ compileCache: new CompileCache(path), replicas: 2 });
    t.after(() => backend.close());
    const large = graph(1500);
    const run = async () => {
      const program = await compile(backend, large);
      const x = await backend.replicate(Float32Array.of(1, 2, 3), TYPE);
      const [y] = await program.run([x]);
      const values = [...(await y.toHost())];
      for (const array of [x, y]) array.dispose();
      await program.kept;
      program.dispose();
      return { fromCache: program.fromCache, values };
    };
    const here = await run();
    await rm(path, { recursive: true });
    setHeaps(t, ONE_HEAP);
    // It is there before the program has run, which is when a program that was compiled here is kept.
    const program = await compile(backend, large);
    assert.equal((await readdir(path)).length, 1);
    assert.equal(program.fromCache, false);
    program.dispose();
    assert.deepEqual(await run(), { ...here, fromCache: true });
  });

  test('a program that can’t be compiled, and a folder that can’t be written: nothing is kept', async (t) => {
    const backend = await cpuBackend({ compileCache: false });
    t.after(() => backend.close());
    const path = await folder(t);
    const cache = new CompileCache(path);
    assert.equal(await compileApart(backend, cache, { text: 'no program', options, key: 'a', form }), false);
    const text = lowerToStableHlo(graph(1));
    const nowhere = new CompileCache('/proc/nowhere');
    assert.equal(await compileApart(backend, nowhere, { text, options, key: 'b', form }), false);
    assert.deepEqual(await readdir(path), []);
  });

  test('an abort ends it', async (t) => {
    const stop = new AbortController();
    const backend = await cpuBackend({ compileCache: false, signal: stop.signal });
    t.after(() => backend.close());
    const path = await folder(t);
    const compiling = compileApart(backend, new CompileCache(path), {
      text: lowerToStableHlo(graph(20_000)),
      options,
      key: 'a',
      form,
    });
    setTimeout(() => stop.abort(new Error('enough')), 1000);
    const started = performance.now();
    await assert.rejects(compiling, /enough/);
    assert.ok(performance.now() - started < 5000);
    assert.deepEqual(await readdir(path), []);
  });
});
