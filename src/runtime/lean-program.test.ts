import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { cpuBackend, skipWithoutCpuPlugin as skip } from '../../test/backend.ts';
import { Random } from '../base/index.ts';
import {
  allReduce,
  conv2d,
  gradient,
  matmul,
  maxPool2d,
  mean,
  relu,
  sigmoid,
  square,
  sub,
  sum,
  trace,
  type Graph,
  type TensorType,
} from '../xla/index.ts';
import { inForm, leanProgram } from './lean-program.ts';
import { compileOptions } from './program.ts';
import { programText } from './program-text.ts';

const float32 = (...shape: number[]): TensorType => ({ shape, dtype: 'float32' });

/** Programs with kernels of all kinds: fusions, loops that write into an array in place, sums, windows, products, collectives. */
const GRAPHS: Readonly<Record<string, { readonly graph: Graph; readonly replicas?: number }>> = {
  'a fusion': { graph: trace([float32(8, 8)], (x) => [sigmoid(square(x)), sub(x, mean(x))]) },
  'a depthwise layer’s gradients': {
    graph: trace([float32(4, 24, 24, 32), float32(3, 3, 1, 32)], (x, kernel) => {
      const y = conv2d(x, kernel, { groups: 32, padding: 'same' });
      return gradient(sum(square(relu(y))), [x, kernel]);
    }),
  },
  'a small network’s gradients': {
    graph: trace([float32(4, 16, 16, 8), float32(3, 3, 8, 16), float32(16, 5)], (x, kernel, head) => {
      const maps = maxPool2d(relu(conv2d(x, kernel, { padding: 'same' })), { window: [2, 2], strides: [2, 2] });
      return gradient(sum(square(matmul(mean(maps, { axes: [1, 2] }), head))), [kernel, head]);
    }),
  },
  'two replicas': {
    graph: trace([float32(64, 8)], (x) => allReduce([sigmoid(sum(square(x), { axes: [0] }))])),
    replicas: 2,
  },
};

suite('a program without what its kernels were compiled from', { skip }, () => {
  for (const [what, { graph, replicas = 1 }] of Object.entries(GRAPHS)) {
    test(`${what}: smaller, and the same bits come out`, async (t) => {
      const backend = await open(t, replicas);
      const options = compileOptions(backend);
      const text = programText(graph, { replicas, platform: 'cpu' });
      const whole = await backend.compile(text, options);
      const serialized = await whole.serialize();
      const lean = leanProgram(serialized);
      assert.ok(lean.length < serialized.length, `${lean.length} bytes of ${serialized.length}`);
      assert.deepEqual(leanProgram(lean), lean);
      const loaded = await backend.load(lean, options);
      const random = new Random(7, 'lean');
      const args = await Promise.all(
        graph.parameters.map(async (type) => {
          const count = type.shape.reduce((product, side) => product * side, 1);
          return backend.replicate(
            Float32Array.from({ length: count }, () => random.uniform() - 0.5),
            type,
          );
        }),
      );
      const lists = Array.from({ length: replicas }, (_, replica) => args.map(({ buffers }) => buffers[replica]));
      const run = async (program: typeof whole) =>
        Promise.all((await program.execute(lists)).flat().map(async (buffer) => buffer.toHost()));
      assert.deepEqual(await run(loaded), await run(whole));
      assert.deepEqual(loaded.memoryStats(), whole.memoryStats());
      const { code } = await loaded.optimizedProgram();
      assert.ok(!Buffer.from(code).includes('kLoop'), 'no fusion of a compiled kernel is left');
    });
  }

  test('what is no such program stays as it is', () => {
    for (const bytes of [new Uint8Array(), Buffer.from('no program of any plugin'), Uint8Array.of(10, 200, 1)]) {
      assert.deepEqual(Buffer.from(leanProgram(bytes)), Buffer.from(bytes));
      assert.equal(inForm('whole', bytes), bytes);
    }
  });
});

async function open(t: TestContext, replicas: number) {
  const backend = await cpuBackend({ replicas, compileCache: false });
  t.after(() => backend.close());
  return backend;
}
