import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { cpuBackend, skipWithoutCpuPlugin as skip } from '../../../test/backend.ts';
import { eachField, Random } from '../../base/index.ts';
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
  type Tensor,
  type TensorType,
} from '../../xla/index.ts';
import { inForm } from './cached-form.ts';
import { compileOptions } from '../program.ts';
import { inParts } from './program-parts.ts';
import { programText } from '../program-text.ts';

const float32 = (...shape: number[]): TensorType => ({ shape, dtype: 'float32' });

/** Programs with kernels of all kinds: fusions, loops that write into an array in place, sums, windows, products, collectives. */
const GRAPHS: Readonly<
  Record<string, { readonly graph: Graph; readonly replicas?: number; readonly thunks?: number }>
> = {
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
  'a long chain': { graph: trace([float32(8, 8)], (x) => [longChain(x)]), thunks: 3 },
  'a long chain of two replicas': {
    // Sums over the replicas, of which no later one may go ahead of an earlier one.
    graph: trace([float32(8, 8)], (x) => {
      const [first] = allReduce([longChain(x)]);
      const [second] = allReduce([longChain(first)]);
      return [first, second];
    }),
    replicas: 2,
    thunks: 8,
  },
};

/** 300 products and what is between them: thunks that XLA makes nothing less of. */
function longChain(x: Tensor): Tensor {
  let y = x;
  for (let i = 0; i < 300; i++) y = sigmoid(matmul(y, x));
  return y;
}

suite('a program in the form in which it loads fast', { skip }, () => {
  for (const [what, { graph, replicas = 1, thunks }] of Object.entries(GRAPHS)) {
    test(`${what}: smaller, and the same bits come out`, async (t) => {
      const backend = await open(t, replicas);
      const options = compileOptions(backend);
      const text = programText(graph, { replicas, platform: 'cpu' });
      const whole = await backend.compile(text, options);
      const serialized = await whole.serialize();
      const fast = inForm('fast', serialized);
      assert.ok(fast.length < serialized.length, `${fast.length} bytes of ${serialized.length}`);
      assert.deepEqual(inForm('fast', fast), fast);
      if (thunks !== undefined) assert.equal(outerThunks(fast), thunks, `${outerThunks(serialized)} before`);
      else assert.equal(inParts(serialized).length, serialized.length);
      const loaded = await backend.load(fast, options);
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
      assert.deepEqual(Buffer.from(inForm('fast', bytes)), Buffer.from(bytes));
      assert.equal(inForm('whole', bytes), bytes);
    }
  });
});

/** How many thunks are in the sequence itself, not in a call. */
function outerThunks(program: Uint8Array): number {
  let thunks = 0;
  eachField(program, (executable, _, result = new Uint8Array()) => {
    if (executable !== 1) return;
    eachField(result, (sequence, __, content = new Uint8Array()) => {
      if (sequence === 6) eachField(content, (thunk) => (thunks += thunk === 1 ? 1 : 0));
    });
  });
  return thunks;
}

async function open(t: TestContext, replicas: number) {
  const backend = await cpuBackend({ replicas, compileCache: false });
  t.after(() => backend.close());
  return backend;
}
