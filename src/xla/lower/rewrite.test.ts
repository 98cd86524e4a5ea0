import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inOneKernel, whileLoop } from '../control.ts';
import { scalar } from '../creation.ts';
import { add, div, exp, less, mul, neg, tanh } from '../elementwise.ts';
import { nodesOf } from '../graph.ts';
import { isOp, type Graph } from '../ir.ts';
import { sum } from '../reduction.ts';
import { withScope } from '../scope.ts';
import { trace } from '../trace.ts';
import { lowerToStableHlo } from './module.ts';
import { rewrite, type RewriteTable } from './rewrite.ts';

const TYPE = { shape: [2], dtype: 'float32' } as const;
/** exp as a product, which shows where the rule was applied. */
const RULES: RewriteTable = { exp: (_params, [x]) => [mul(x, x)] };

const ops = (graph: Graph): string[] =>
  nodesOf(graph).flatMap((node) =>
    isOp(node, 'while') ? [node.op, ...ops(node.params.condition), ...ops(node.params.body)] : [node.op],
  );

test('a graph that no rule applies to is given back as it is', () => {
  const graph = trace([TYPE], (a) =>
    whileLoop(
      [scalar(0, 'int32'), a],
      (i) => less(i, 3),
      (i, value) => [add(i, 1), mul(value, a)],
    ),
  );
  assert.equal(rewrite(graph, RULES), graph);
  assert.equal(rewrite(graph, {}), graph);
  // A rule may say that the plain op is best.
  const plain = trace([TYPE], (a) => [exp(a)]);
  assert.equal(rewrite(plain, { exp: () => undefined }), plain);
});

test('a rule replaces its op; what doesn’t depend on it keeps its nodes, and layers keep their names', () => {
  const graph = trace([TYPE], (a) => {
    const untouched = neg(a);
    return [withScope('layer', () => tanh(exp(a))), untouched];
  });
  const better = rewrite(graph, RULES);
  assert.deepEqual(ops(better), ['parameter', 'negate', 'multiply', 'tanh']);
  assert.equal(better.outputs[1], graph.outputs[1]);
  assert.equal(better.parameters, graph.parameters);
  assert.deepEqual(
    nodesOf(better).map(({ op, scope }) => `${op} ${scope}`),
    ['parameter ', 'negate ', 'multiply layer', 'tanh layer'],
  );
  assert.deepEqual(ops(graph), ['parameter', 'negate', 'exp', 'tanh']);
});

test('rules apply inside loops, and to what loops read from outside', () => {
  const graph = trace([TYPE], (a) => {
    const factor = exp(a);
    const loop = whileLoop(
      [scalar(0, 'int32'), a],
      (i) => less(i, 3),
      (i, value) => {
        const [, inner] = whileLoop(
          [scalar(0, 'int32'), value],
          (j) => less(j, i),
          (j, x) => [add(j, 1), add(mul(x, factor), exp(value))],
        );
        return [add(i, 1), inner];
      },
    );
    return [loop[1], factor];
  });
  const better = rewrite(graph, RULES);
  assert.ok(!ops(better).includes('exp'));
  assert.deepEqual(
    ops(better).filter((op) => op === 'while'),
    ['while', 'while'],
  );
  // The captured product is computed once, outside, and carried into both loops.
  const lines = lowerToStableHlo(better)
    .split('\n')
    .map((line) => line.trim());
  const products = lines.filter((line) => line.includes('stablehlo.multiply'));
  assert.equal(products.length, 3);
  assert.deepEqual(
    products.filter((line) => line.includes('%arg0, %arg0')),
    ['%1 = stablehlo.multiply %arg0, %arg0 : tensor<2xf32>'],
  );
  assert.ok(lines.indexOf(products[0]) < lines.findIndex((line) => line.includes('stablehlo.while')));
  assert.equal(lines.at(-4), 'return %2#1, %1 : tensor<2xf32>, tensor<2xf32>');
});

test('a rule may make a loop of its own, also inside a loop', () => {
  const rules: RewriteTable = {
    exp: (_params, [x]) => [
      whileLoop(
        [scalar(0, 'int32'), x],
        (i) => less(i, 2),
        (i, value) => [add(i, 1), mul(value, x)],
      )[1],
    ],
  };
  const graph = trace([TYPE], (a) => {
    const outer = exp(a);
    return whileLoop(
      [outer],
      () => less(scalar(0, 'int32'), 1),
      (value) => [exp(add(value, outer))],
    );
  });
  const better = rewrite(graph, rules);
  assert.equal(ops(better).filter((op) => op === 'while').length, 3);
  assert.doesNotThrow(() => lowerToStableHlo(better));
});

test('a rule in a loop or a call may look behind what that reads from outside', () => {
  // exp(−a), the negative being outside, as 1 / exp(a).
  const rules: RewriteTable = {
    exp: (_params, [x]) => (isOp(x.node, 'negate') ? [div(1, tanh(x.node.inputs[0]))] : undefined),
  };
  const graph = trace([TYPE], (a) => {
    const behind = mul(a, 2);
    const negative = neg(behind);
    const [, looped] = whileLoop(
      [scalar(0, 'int32'), behind],
      (i) => less(i, 3),
      (i, value) => {
        const [inner] = whileLoop(
          [value],
          (x) => less(sum(exp(negative)), sum(x)),
          (x) => [mul(x, exp(negative))],
        );
        return [add(i, 1), inner];
      },
    );
    return [looped, ...inOneKernel(() => [exp(negative)])];
  });
  const better = rewrite(graph, rules);
  assert.equal(ops(better).filter((op) => op === 'tanh').length, 2);
  for (const platform of ['cpu', 'cuda'] as const)
    assert.doesNotMatch(lowerToStableHlo(better, { platform }), /exponential/);
});

test('no rule is asked for an op without numbers', () => {
  const graph = trace([{ shape: [0, 2], dtype: 'float32' }], (a) => [exp(a)]);
  assert.equal(rewrite(graph, RULES), graph);
});
