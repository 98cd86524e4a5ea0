import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCompiledProgram } from '../src/profile/compiled-program.ts';
import { compile } from '../src/runtime/index.ts';
import { conv2d, gradient, square, sum, trace, type Graph, type Shape } from '../src/xla/index.ts';
import { cpuBackend, skipWithoutCpuPlugin as skip } from './backend.ts';

/** How XLA says into how many parts it splits a kernel. */
const PARTS = 'outer_dimension_partitions';

interface Layer {
  readonly kernel: number;
  readonly map: Shape;
  readonly strides?: readonly [number, number];
}

// Layers of EfficientNets, MobileNetV2 and Xception.
const LAYERS: Layer[] = [
  { kernel: 5, map: [32, 12, 12, 672] },
  { kernel: 5, map: [32, 6, 6, 1152] },
  { kernel: 5, map: [4, 24, 24, 240], strides: [2, 2] },
  { kernel: 3, map: [4, 96, 96, 96], strides: [2, 2] },
  { kernel: 3, map: [4, 37, 37, 728] },
  // EfficientNet-B7's first ones at its own size.
  { kernel: 3, map: [1, 300, 300, 64] },
  { kernel: 3, map: [1, 300, 300, 192], strides: [2, 2] },
  { kernel: 5, map: [1, 150, 150, 288], strides: [2, 2] },
  { kernel: 5, map: [1, 75, 75, 480] },
];

/*
 * A kernel in parts leaves a task behind in each step of a loop for each thread that is busy elsewhere. A loop of some hundred steps fills a
 * thread's queue, and with a full queue Eigen's products go wrong: a block of a gradient was another block's, in one step of some
 * hundred, on machines that had other work.
 */
test('steps of depthwise kernels’ gradients are not split over threads', { skip }, async () => {
  const backend = await cpuBackend();
  try {
    for (const layer of LAYERS) {
      const program = await compile(backend, gradientOf(layer), {});
      const { format, code } = await program.executable.optimizedProgram();
      const { computations } = readCompiledProgram(format, code);
      const loops = [...computations.values()].flatMap(({ instructions }) =>
        instructions.filter(({ opcode }) => opcode === 'while'),
      );
      assert.ok(loops.length > 0, 'the gradient has loops');
      const steps = loops.flatMap(({ called }) => called.flatMap((id) => computations.get(id)?.instructions ?? []));
      const split = steps.filter(({ message }) => Buffer.from(message).includes(PARTS));
      assert.deepEqual(split.map(({ name }) => name), [], JSON.stringify(layer)); // prettier-ignore
      program.dispose();
    }
  } finally {
    await backend.close();
  }
});

function gradientOf({ kernel, map, strides = [1, 1] }: Layer): Graph {
  const channels = map[3];
  const types = [map, [kernel, kernel, 1, channels]].map((shape) => ({ shape, dtype: 'float32' }) as const);
  return trace(types, (x, weights) => {
    const y = conv2d(x, weights, { groups: channels, strides, padding: 'same' });
    return gradient(sum(square(y)), [weights]);
  });
}
