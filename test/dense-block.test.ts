import assert from 'node:assert/strict';
import { test } from 'node:test';
import { densenetBlocks } from '../src/models/densenet.ts';
import { chain } from '../src/models/family.ts';
import { applyNetwork, declareVariables } from '../src/nn/index.ts';
import { compile } from '../src/runtime/index.ts';
import { seededValues } from '../src/train/step/train-state.ts';
import { gradient, mean, square, trace } from '../src/xla/index.ts';
import { cpuBackend, skipWithoutCpuPlugin as skip } from './backend.ts';

test('a dense block joins its layers anew, to the same gradients', { skip }, async () => {
  const network = chain(densenetBlocks([2, 2]));
  const images = { shape: [2, 32, 32, 3], dtype: 'float32' } as const;
  const variables = declareVariables(network, images);
  const graph = trace(
    [images, ...variables.map(({ shape }) => ({ shape, dtype: 'float32' }) as const)],
    (x, ...values) =>
      [false, true].flatMap((remat) => {
        const named = Object.fromEntries(variables.map(({ path }, i) => [path, values[i]]));
        const { output } = applyNetwork(network, named, x, { training: true, remat });
        const trained = values.filter((_, i) => variables[i].role !== 'statistic');
        return [output, ...gradient(mean(square(output)), trained)];
      }),
  );
  const backend = await cpuBackend();
  try {
    const program = await compile(backend, graph, {});
    const value = seededValues(3);
    const pixels = Float32Array.from({ length: 2 * 32 * 32 * 3 }, (_, i) => Math.sin(i));
    const data = [pixels, ...variables.map((spec) => value(spec))];
    const args = await Promise.all(graph.parameters.map((type, i) => backend.replicate(data[i], type)));
    const outputs = await Promise.all((await program.run(args)).map((array) => array.toHost()));
    const half = outputs.length / 2;
    for (let i = 0; i < half; i++) {
      const [kept, again] = [outputs[i], outputs[half + i]].map((each) => Float64Array.from(each as Float32Array));
      const scale = Math.max(...kept.map(Math.abs));
      for (const [at, x] of kept.entries())
        assert.ok(Math.abs(again[at] - x) <= 1e-5 + 1e-4 * scale, `${i}, ${at}: ${again[at]}, ${x}`);
    }
  } finally {
    await backend.close();
  }
});
