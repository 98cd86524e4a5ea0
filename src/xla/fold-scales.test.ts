import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { whileLoop } from './control.ts';
import { scalar } from './creation.ts';
import { add, less, mul, rsqrt } from './elementwise.ts';
import { foldScales } from './fold-scales.ts';
import { nodesOf } from './graph.ts';
import type { Graph, Tensor } from './ir.ts';
import { conv2d, matmul } from './linear.ts';
import { lowerToStableHlo } from './lower/module.ts';
import { trace } from './trace.ts';

const image = { shape: [2, 6, 6, 3], dtype: 'float32' } as const;
const kernel = { shape: [3, 3, 3, 8], dtype: 'float32' } as const;
const vector = { shape: [8], dtype: 'float32' } as const;

/** Elements of the results of all multiplications. */
const multiplied = (graph: Graph): number[][] =>
  nodesOf(graph).flatMap(({ op, outputs }) => (op === 'multiply' ? [[...outputs[0].shape]] : []));

const count = (graph: Graph, op: string): number => nodesOf(graph).filter((node) => node.op === op).length;

suite('scales folded into kernels', () => {
  test('a convolution, its bias, a factor and a summand become a convolution and a summand', () => {
    const graph = trace([image, kernel, vector, vector, vector], (x, k, bias, scale, shift) => [
      add(mul(add(conv2d(x, k), bias), scale), shift),
    ]);
    assert.deepEqual(multiplied(graph), [[2, 4, 4, 8]]);
    const folded = foldScales(graph);
    assert.deepEqual(multiplied(folded), [[8], [3, 3, 3, 8]]);
    assert.equal(count(folded, 'conv'), 1);
    assert.deepEqual(folded.outputs[0].shape, [2, 4, 4, 8]);
  });

  test('the factor may come first or be a number, and depthwise kernels and matrices are scaled as well', () => {
    const depthwise = { shape: [3, 3, 1, 3], dtype: 'float32' } as const;
    const wide = trace([image, depthwise, { ...vector, shape: [3] }], (x, k, scale) => [
      mul(rsqrt(scale), conv2d(x, k, { groups: 3 })),
    ]);
    assert.deepEqual(multiplied(foldScales(wide)), [[3, 3, 1, 3]]);
    const rows = { shape: [5, 4], dtype: 'float32' } as const;
    const matrix = { shape: [4, 8], dtype: 'float32' } as const;
    const dense = trace([rows, matrix], (x, weights) => [mul(matmul(x, weights), 2)]);
    assert.deepEqual(multiplied(foldScales(dense)), [[4, 8]]);
  });

  test('what is read unscaled too, has another factor at each place, or none at all, stays', () => {
    const twice = trace([image, kernel, vector], (x, k, scale) => {
      const y = conv2d(x, k);
      return [y, mul(y, scale)];
    });
    assert.equal(foldScales(twice).outputs[1], twice.outputs[1]);
    const places = trace([image, kernel, { shape: [2, 4, 4, 8], dtype: 'float32' }], (x, k, factors) => [
      mul(conv2d(x, k), factors),
    ]);
    assert.equal(foldScales(places).outputs[0], places.outputs[0]);
    const plain = trace([image, kernel, vector], (x, k, bias) => [add(conv2d(x, k), bias)]);
    assert.equal(foldScales(plain).outputs[0], plain.outputs[0]);
  });

  test('layers behind a folded one read it', () => {
    const next = { shape: [3, 3, 8, 8], dtype: 'float32' } as const;
    const layer = (x: Tensor, k: Tensor, scale: Tensor, shift: Tensor) => add(mul(conv2d(x, k), scale), shift);
    const graph = trace([image, kernel, next, vector, vector, vector], (x, k, second, scale, shift, bias) => {
      const y = layer(x, k, scale, shift);
      // A bias alone stays, but on what is new before it.
      return [add(conv2d(y, second), bias)];
    });
    const folded = foldScales(graph);
    assert.deepEqual(multiplied(folded), [[3, 3, 3, 8]]);
    assert.equal(count(folded, 'conv'), 2);
  });

  test('a loop that reads a scaled tensor reads the folded one', () => {
    const graph = trace([image, kernel, vector], (x, k, scale) => {
      const scaled = mul(conv2d(x, k), scale);
      return whileLoop(
        [scalar(0, 'int32'), scaled],
        (i) => less(i, 3),
        (i, sum) => [add(i, 1), add(sum, scaled)],
      );
    });
    const folded = foldScales(graph);
    assert.deepEqual(multiplied(folded), [[3, 3, 3, 8]]);
    assert.doesNotThrow(() => lowerToStableHlo(folded));
  });
});
