import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Random } from '../src/base/index.ts';
import { nodesOf } from '../src/xla/graph.ts';
import { concatenate, joinInPlace, mul, relu, sliceAxis, square, trace, type Graph, type Tensor } from '../src/xla/index.ts'; // prettier-ignore
import { cpuBackend, skipWithoutCpuPlugin as skip } from './backend.ts';
import { drawInputs, evaluateGraph } from './evaluate.ts';

const backend = skip === false ? await cpuBackend() : undefined;
after(() => backend?.close());

const count = (graph: Graph, op: string): number => nodesOf(graph).filter((node) => node.op === op).length;
const image = { shape: [2, 3, 3, 4], dtype: 'float32' } as const;

/** A layer of a block: some channels of all so far. */
const layer = (x: Tensor, channels: number): Tensor => relu(mul(sliceAxis(x, 3, 1, 1 + channels), 0.5));

const CASES: readonly [string, number, (x: Tensor) => readonly Tensor[]][] = [
  ['a block of layers', 4, (x) => [1, 2, 3, 1].reduce(([all], n) => [concatenate([all, layer(all, n)], 3)], [x])],
  [
    'several pieces at a time, and what is read on the way',
    6,
    (x) => {
      let all = x;
      for (let i = 0; i < 3; i++) all = concatenate([all, layer(all, 2), square(layer(all, 1))], 3);
      return [square(all)];
    },
  ],
  ['two joins: not worth it', 0, (x) => [1, 2].reduce(([all], n) => [concatenate([all, layer(all, n)], 3)], [x])],
  [
    'joined along another axis on the way',
    0,
    (x) => {
      const wide = concatenate([concatenate([x, layer(x, 2)], 3), layer(concatenate([x, layer(x, 2)], 3), 5)], 3);
      return [concatenate([concatenate([wide, square(wide)], 1), concatenate([wide, wide], 1)], 2)];
    },
  ],
  [
    'read after the next layer has been added: a row begins behind it',
    3,
    (x) => {
      const early = concatenate([x, layer(x, 1)], 3);
      let all = early;
      for (let i = 0; i < 3; i++) all = concatenate([all, layer(all, 1)], 3);
      return [all, square(early)];
    },
  ],
  [
    'a result on the way: it stays, and a row begins behind it',
    3,
    (x) => {
      const results: Tensor[] = [];
      [1, 2, 1, 2, 1].reduce((all, n) => {
        results.push(concatenate([all, layer(all, n)], 3));
        return results.at(-1)!;
      }, x);
      return [results[1], square(results[4])];
    },
  ],
  [
    'joined to something else on the way',
    3,
    (x) => {
      const first = concatenate([x, layer(x, 1)], 3);
      const side = concatenate([first, square(first)], 3);
      const second = concatenate([first, layer(side, 2)], 3);
      return [square(concatenate([second, layer(second, 1)], 3))];
    },
  ],
];

for (const [name, writes, body] of CASES) {
  test(`tensors that grow are written side by side: ${name}`, { skip }, async () => {
    const plain = trace([image], body);
    const inPlace = joinInPlace(plain);
    assert.equal(count(inPlace, 'dynamicUpdateSlice'), writes);
    if (writes === 0) assert.equal(inPlace, plain);
    const inputs = drawInputs(plain, new Random(3, 'joins'));
    assert.deepEqual(await evaluateGraph(backend!, inPlace, inputs), await evaluateGraph(backend!, plain, inputs));
  });
}
