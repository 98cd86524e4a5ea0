import assert from 'node:assert/strict';
import { constants } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { cpuBackend, skipWithoutCpuPlugin as skip } from '../../../test/backend.ts';
import { add, mul, trace, type Tensor } from '../../xla/index.ts';
import { loadPlugin } from '../../pjrt/index.ts';
import { Backend } from '../backend.ts';
import { CompileCache } from './compile-cache.ts';
import { compile } from '../program.ts';

const TYPE = { shape: [3], dtype: 'float32' } as const;
const graph = (factor: number) => trace([TYPE], (x: Tensor) => [add(mul(x, factor), 1)]);

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'sepal-cache-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

async function open(t: TestContext, path: string): Promise<Backend> {
  const backend = await cpuBackend({ compileCache: new CompileCache(path) });
  t.after(() => backend.close());
  return backend;
}

/** Compiles x · factor + 1, runs it on 1, 2, 3, and says where it came from. */
async function run(backend: Backend, factor: number) {
  const program = await compile(backend, graph(factor));
  const x = await backend.replicate(Float32Array.of(1, 2, 3), TYPE);
  const [y] = await program.run([x]);
  const values = [...(await y.toHost())];
  for (const array of [x, y]) array.dispose();
  program.dispose();
  await program.kept;
  return { fromCache: program.fromCache, values };
}

suite('compiled programs on disk', { skip }, () => {
  test('a program is compiled once and loaded afterwards, also by another client', async (t) => {
    const path = await folder(t);
    const backend = await open(t, path);
    assert.deepEqual(await run(backend, 2), { fromCache: false, values: [3, 5, 7] });
    assert.deepEqual(await run(backend, 2), { fromCache: true, values: [3, 5, 7] });
    assert.deepEqual(await run(await open(t, path), 2), { fromCache: true, values: [3, 5, 7] });
    assert.deepEqual(await run(backend, 3), { fromCache: false, values: [4, 7, 10] });
    assert.equal((await readdir(path)).length, 2);
  });

  for (const [what, damage] of Object.entries<(file: Buffer) => Uint8Array>({
    'a flipped bit': (file) => {
      file[Math.floor(file.length / 2)] ^= 1;
      return file;
    },
    'a cut file': (file) => file.subarray(0, file.length - 100),
    'an empty file': () => new Uint8Array(0),
    'another file’s content': () => Buffer.from('no program at all, but longer than a checksum'),
  })) {
    test(`${what} is replaced by the program compiled anew`, async (t) => {
      const path = await folder(t);
      const backend = await open(t, path);
      await run(backend, 2);
      const [name] = await readdir(path);
      const good = await readFile(join(path, name));
      await writeFile(join(path, name), damage(Buffer.from(good)));
      assert.deepEqual(await run(backend, 2), { fromCache: false, values: [3, 5, 7] });
      assert.deepEqual(await run(backend, 2), { fromCache: true, values: [3, 5, 7] });
    });
  }

  test('a whole file that is no program is replaced too', async (t) => {
    const path = await folder(t);
    const backend = await open(t, path);
    await run(backend, 2);
    const [name] = await readdir(path);
    const key = name.replace('.pjrt', '');
    const lean = await stat(join(path, name));
    await new CompileCache(path).write(key, Buffer.from('no program of any plugin'));
    assert.deepEqual(await run(backend, 2), { fromCache: false, values: [3, 5, 7] });
    assert.deepEqual(await run(backend, 2), { fromCache: true, values: [3, 5, 7] });
    // Were it the lean form that a plugin doesn't load, it would be compiled in each process.
    assert.ok((await stat(join(path, name))).size > lean.size, 'it is kept whole now');
  });

  test('a program of another build of the plugin is left alone', async (t) => {
    const path = await folder(t);
    const before = await open(t, path);
    assert.equal((await run(before, 2)).fromCache, false);
    // The same bytes, and nothing says that they are.
    const other = join(await folder(t), 'other_build.so');
    await copyFile(before.plugin.path, other, constants.COPYFILE_FICLONE);
    const plugin = await loadPlugin(other);
    const client = await plugin.createClient({ cpu_device_count: 1 });
    const after = new Backend('cpu', plugin, client, client.devices, { compileCache: new CompileCache(path) });
    t.after(() => after.close());
    assert.deepEqual(await run(after, 2), { fromCache: false, values: [3, 5, 7] });
    assert.deepEqual(await run(before, 2), { fromCache: true, values: [3, 5, 7] });
  });

  test('a folder that can’t be written saves nothing and stops nothing', async (t) => {
    const path = await folder(t);
    // A file where the folder should be fails for every user, a folder's mode only for some.
    const blocked = join(path, 'programs');
    await writeFile(blocked, 'in the way');
    const backend = await open(t, blocked);
    assert.deepEqual(await run(backend, 2), { fromCache: false, values: [3, 5, 7] });
    assert.deepEqual(await run(backend, 2), { fromCache: false, values: [3, 5, 7] });

    const readOnly = join(path, 'read-only');
    await mkdir(readOnly);
    await chmod(readOnly, 0o555);
    assert.deepEqual((await run(await open(t, readOnly), 2)).values, [3, 5, 7]);
  });
});

test('the programs that were not used for longest make room', async (t) => {
  const path = await folder(t);
  // Room for three programs of 100 bytes and their checksums.
  const cache = new CompileCache(path, 3 * 132);
  const names = ['a', 'b', 'c', 'd'].map((name) => CompileCache.key(name));
  for (const [i, key] of names.slice(0, 3).entries()) {
    assert.equal(await cache.write(key, new Uint8Array(100).fill(i)), true);
    await utimes(join(path, `${key}.pjrt`), 1000 + i, 1000 + i);
  }
  assert.deepEqual([...((await cache.read(names[0])) ?? [])], [...new Uint8Array(100)]); // Used just now.
  await cache.write(names[3], new Uint8Array(100));
  const kept = await Promise.all(names.map(async (key) => (await cache.read(key)) !== undefined));
  assert.deepEqual(kept, [true, false, true, true]);
});

test('what a killed process began to write goes after an hour, and labels with their programs', async (t) => {
  const path = await folder(t);
  const cache = new CompileCache(path);
  const [kept, gone] = ['kept', 'gone'].map((name) => CompileCache.key(name));
  await cache.write(kept, Uint8Array.of(1));
  await cache.setLatest('label-of-kept', kept);
  await cache.setLatest('label-of-gone', gone);
  const [old, fresh] = [`.${gone}.pjrt.0123456789ab`, `.${kept}.pjrt.ba9876543210`];
  for (const name of [old, fresh]) await writeFile(join(path, name), 'half');
  for (const name of [old, 'label-of-gone.latest', 'label-of-kept.latest']) await utimes(join(path, name), 1000, 1000);
  await cache.write(CompileCache.key('next'), Uint8Array.of(2));
  const names = await readdir(path);
  assert.deepEqual(
    [old, fresh, 'label-of-gone.latest', 'label-of-kept.latest'].map((name) => names.includes(name)),
    [false, true, false, true],
  );
});

test('keys keep apart what joins to the same text', () => {
  assert.notEqual(CompileCache.key('ab', 'c'), CompileCache.key('a', 'bc'));
  assert.equal(CompileCache.key('a', 'b'), CompileCache.key('a', 'b'));
  assert.match(CompileCache.key('a'), /^[0-9a-f]{64}$/);
});
