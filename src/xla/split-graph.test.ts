import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { whileLoop } from './control.ts';
import { full } from './creation.ts';
import { add, broadcastTo, less, mul, rsqrt } from './elementwise.ts';
import { nodesOf } from './graph.ts';
import type { Graph } from './ir.ts';
import { matmul } from './linear.ts';
import { lowerToStableHlo } from './lower/module.ts';
import { splitGraph } from './split-graph.ts';
import { reshape } from './structure.ts';
import { trace } from './trace.ts';

const rows = { shape: [5, 4], dtype: 'float32' } as const;
const matrix = { shape: [4, 3], dtype: 'float32' } as const;
const vector = { shape: [3], dtype: 'float32' } as const;

const shapes = (graph: Graph): number[][] => graph.outputs.map(({ shape }) => [...shape]);
const ops = (graph: Graph): string[] => nodesOf(graph).map(({ op }) => op);
const isWeight = (parameter: number) => parameter > 0;

suite('a program split by its parameters', () => {
  test('what is made of weights alone is taken out, once for all who read it, and broadcasts stay', () => {
    const graph = trace([rows, matrix, vector, vector], (x, weights, variance, bias) => {
      const scale = rsqrt(variance);
      const scaled = mul(weights, broadcastTo(scale, [4, 3]));
      const y = matmul(x, scaled);
      return [add(add(y, broadcastTo(mul(bias, scale), [5, 3])), matmul(mul(x, 2), scaled))];
    });
    const split = splitGraph(graph, isWeight);
    assert.ok(split);
    assert.deepEqual(shapes(split.early), [[4, 3], [3]]);
    assert.deepEqual(split.earlyParameters, [1, 2, 3]);
    assert.deepEqual(split.lateParameters, [0]);
    assert.ok(!ops(split.late).includes('rsqrt'));
    assert.ok(ops(split.late).includes('broadcast'));
    assert.deepEqual(shapes(split.late), [[5, 3]]);
  });

  test('weights that are read as they are go to the second part, reshaped or not', () => {
    const flat = { shape: [12], dtype: 'float32' } as const;
    const graph = trace([rows, flat, vector], (x, weights, bias) => [
      add(matmul(x, reshape(weights, [4, 3])), mul(bias, 2)),
    ]);
    const split = splitGraph(graph, isWeight);
    assert.ok(split);
    assert.deepEqual(shapes(split.early), [[3]]);
    assert.deepEqual(split.earlyParameters, [2]);
    assert.deepEqual(split.lateParameters, [0, 1]);
    const plain = trace([rows, matrix], (x, weights) => [matmul(x, weights)]);
    assert.equal(splitGraph(plain, isWeight), undefined);
  });

  test('a result that depends on weights alone, and a loop that reads what was prepared', () => {
    const graph = trace([rows, matrix], (x, weights) => {
      const scaled = mul(weights, 3);
      const [, sum] = whileLoop(
        [full([], 0, 'int32'), full([5, 3], 0, 'float32')],
        (step) => less(step, 2),
        (step, sofar) => [add(step, 1), add(sofar, matmul(x, scaled))],
      );
      return [sum, scaled];
    });
    const split = splitGraph(graph, isWeight);
    assert.ok(split);
    assert.deepEqual(shapes(split.early), [[4, 3]]);
    assert.equal(split.late.outputs[1].node.op, 'parameter');
    // The text has a name for each tensor that is read, in the loop too, or writing it fails.
    assert.match(lowerToStableHlo(split.late), /stablehlo\.while/);
    assert.doesNotMatch(lowerToStableHlo(split.late), /stablehlo\.multiply/);
  });
});
