import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';
import { testBackend, skipWithoutTestDevice as skip } from '../../test/backend.ts';
import { add, full, gradient, matmul, mean, mul, square, sub, sum, type Tensor } from '../xla/index.ts';
import type { Backend } from './backend.ts';
import type { DeviceArray } from './device-array.ts';
import { jit } from './jit.ts';

const opened = skip === false ? await testBackend() : undefined;
after(() => opened?.close());
function backend(): Backend {
  assert.ok(opened);
  return opened;
}

const PAIR = { shape: [2], dtype: 'float32' } as const;
const array = (...values: number[]) => backend().replicate(Float32Array.from(values), PAIR);
const read = async (result: DeviceArray) => [...(await result.toHost())].map(Number);

suite('jit', { skip }, () => {
  const affine = () =>
    jit(
      backend(),
      (p: { scale: Tensor; shift: Tensor }, xs: readonly [Tensor, Tensor]) => ({
        y: add(mul(p.scale, xs[0]), p.shift),
        rest: { list: [xs[1], p.scale] },
      }),
      [{ scale: PAIR, shift: PAIR }, [PAIR, PAIR]],
    );

  test('takes and gives trees of arrays', async () => {
    const f = await affine();
    const result = await f({ scale: await array(1, 2), shift: await array(10, 20) }, [
      await array(3, 4),
      await array(5, 6),
    ]);
    assert.deepEqual(await read(result.y), [13, 28]);
    assert.deepEqual(await read(result.rest.list[0]), [5, 6]);
    assert.deepEqual(await read(result.rest.list[1]), [1, 2]);
  });

  test('finds arguments by name, whatever their order', async () => {
    const f = await affine();
    const result = await f({ shift: await array(10, 20), scale: await array(1, 2) }, [await array(3, 4), await array(0, 0)]); // prettier-ignore
    assert.deepEqual(await read(result.y), [13, 28]);
  });

  test('refuses arguments that are missing, unknown or no arrays, by their names', async () => {
    const f = (await affine()) as unknown as (...args: unknown[]) => Promise<unknown>;
    const xs = [await array(1, 2), await array(1, 2)];
    const scale = await array(1, 2);
    await assert.rejects(f({ scale }, xs), { code: 'ARGUMENTS', message: 'argument 0/shift is missing' });
    await assert.rejects(f({ scale, shift: 3 }, xs), { message: 'argument 0/shift is no device array' });
    await assert.rejects(f({ scale, shift: scale, shfit: scale }, xs), {
      message: 'the program takes no argument 0/shfit',
      hint: 'did you mean "shift"?',
    });
    await assert.rejects(f({ scale, shift: scale }), { message: 'argument 1/0 is missing' });
    await assert.rejects(f({ scale, shift: scale }, xs, scale), { message: 'the program takes no argument 2' });
  });

  test('refuses arrays of another shape or dtype, naming both', async () => {
    const f = await affine();
    const [good, other] = [await array(1, 2), await backend().replicate(Float32Array.of(1, 2, 3), { shape: [3], dtype: 'float32' })]; // prettier-ignore
    const bytes = await backend().replicate(Uint8Array.of(1, 2), { shape: [2], dtype: 'uint8' });
    await assert.rejects(f({ scale: good, shift: other }, [good, good]), {
      name: 'RuntimeError',
      code: 'ARGUMENTS',
      message: 'argument 0/shift is float32[3], the program takes float32[2]',
    });
    await assert.rejects(f({ scale: good, shift: good }, [good, bytes]), {
      message: 'argument 1/1 is uint8[2], the program takes float32[2]',
    });
    assert.equal(good.disposed, false);
  });

  test('refuses types, results and donations that make no sense', async () => {
    const same = (x: Tensor) => x;
    for (const [type, message] of [
      [{ shape: [2], dtype: 'float' }, 'there is no type of shape [2] and dtype float'],
      [{ shape: 2, dtype: 'float32' }, 'there is no type of shape 2 and dtype float32'],
    ] as const) {
      await assert.rejects(jit(backend(), same, [type as unknown as typeof PAIR]), { code: 'ARGUMENTS', message });
    }
    for (const [body, received] of [
      [async (x: Tensor) => x, 'a promise'],
      [(x: Tensor) => [x, 5], '5'],
      [() => undefined, 'undefined'],
    ] as const) {
      await assert.rejects(jit<[Tensor], unknown>(backend(), body, [PAIR]), { code: 'RESULT', received });
    }
    for (const donate of [1, -1]) {
      await assert.rejects(jit(backend(), same, [PAIR], { donate: [donate] }), {
        code: 'ARGUMENTS',
        message: `there is no argument ${donate} to donate`,
        expected: 'numbers from 0 to 0',
      });
    }
  });

  test('has no numbers of a replica that there is not', async () => {
    await assert.rejects((await array(1, 2)).toHost(1), { code: 'ARGUMENTS', message: 'there is no replica 1' });
  });

  test('a function without arguments and one with an unused argument', async () => {
    const constant = await jit(backend(), () => ({ one: full([2], 1, 'float32') }), []);
    assert.deepEqual(await read((await constant()).one), [1, 1]);
    const ignores = await jit(backend(), (x: Tensor, _unused: Tensor) => x, [PAIR, PAIR]);
    assert.deepEqual(await read(await ignores(await array(5, 6), await array(0, 0))), [5, 6]);
  });
});

suite('donation', { skip }, () => {
  const LARGE = { shape: [1024], dtype: 'float32' } as const;
  const step = () =>
    jit(backend(), (p: { w: Tensor }, x: Tensor) => ({ w: add(p.w, x) }), [{ w: LARGE }, LARGE], { donate: [0] });
  const large = (value: number) => backend().replicate(new Float32Array(1024).fill(value), LARGE);

  test('a result takes the memory of a donated argument, which is gone', async () => {
    const f = await step();
    const [w, x] = [await large(1), await large(2)];
    const before = w.buffers[0].devicePointer();
    const result = await f({ w }, x);
    assert.equal(result.w.buffers[0].devicePointer(), before);
    assert.equal((await read(result.w))[1023], 3);
    assert.equal(w.disposed, true);
    assert.equal(x.disposed, false);
    assert.throws(() => w.buffers, { name: 'RuntimeError', code: 'DISPOSED' });
    await assert.rejects(f({ w }, x), { code: 'DISPOSED' });
  });

  test('without donation the argument stays', async () => {
    const f = await jit(backend(), (w: Tensor, x: Tensor) => add(w, x), [LARGE, LARGE]);
    const [w, x] = [await large(1), await large(2)];
    const result = await f(w, x);
    assert.notEqual(result.buffers[0].devicePointer(), w.buffers[0].devicePointer());
    assert.equal((await read(w))[0], 1);
  });

  test('a donated argument that no result can replace is gone all the same', async () => {
    const f = await jit(backend(), (w: Tensor) => sum(w), [LARGE], { donate: [0] });
    const w = await large(1);
    assert.deepEqual(await read(await f(w)), [1024]);
    assert.equal(w.disposed, true);
  });

  test('one array can’t be donated and given as another argument too', async () => {
    const f = await step();
    const w = await large(1);
    await assert.rejects(f({ w }, w), { code: 'ARGUMENTS', message: /argument 0\/w is donated, but .* twice/ });
    assert.equal(w.disposed, false);
  });

  test('200 training steps leave as many buffers as they found, and no memory', async () => {
    const type = { w: { shape: [64, 64], dtype: 'float32' }, b: { shape: [64], dtype: 'float32' } } as const;
    const batch = { shape: [1024, 64], dtype: 'float32' } as const;
    const train = await jit(
      backend(),
      (p: { w: Tensor; b: Tensor }, x: Tensor) => {
        const loss = mean(square(sub(add(matmul(x, p.w), p.b), x)));
        const [w, b] = gradient(loss, [p.w, p.b]);
        return { loss, p: { w: sub(p.w, mul(w, 0.1)), b: sub(p.b, mul(b, 0.1)) } };
      },
      [type, batch],
      { donate: [0] },
    );
    const rows = Float32Array.from({ length: 1024 * 64 }, (_, i) => Math.sin(i));
    let p = await backend().replicateTree({
      w: { ...type.w, data: new Float32Array(64 * 64) },
      b: { ...type.b, data: new Float32Array(64) },
    });
    const losses: number[] = [];
    const run = async (steps: number) => {
      for (let i = 0; i < steps; i++) {
        const x = await backend().shard(rows, batch);
        const out = await train(p, x);
        losses.push((await read(out.loss))[0]);
        out.loss.dispose();
        x.dispose();
        p = out.p;
      }
    };
    await run(50);
    const buffers = backend().client.liveBufferCount;
    const memory = process.memoryUsage().rss;
    await run(200);
    assert.equal(backend().client.liveBufferCount, buffers);
    // A leak of one batch a step would be 52 MB.
    assert.ok(process.memoryUsage().rss - memory < 30 * 2 ** 20, 'memory grew');
    assert.ok((losses.at(-1) ?? 1) < losses[0]);
  });
});
