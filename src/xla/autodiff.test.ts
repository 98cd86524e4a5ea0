import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { gradient, vjp } from './autodiff.ts';
import { allReduce, customGradient, inOneKernel, stopGradient, whileLoop } from './control.ts';
import { constant, parameter, scalar } from './creation.ts';
import { add, convert, exp, less, mul, relu, tanh } from './elementwise.ts';
import { reachableNodes } from './graph.ts';
import type { Tensor } from './ir.ts';
import { maxPool2d } from './pooling.ts';
import { printGraph } from './print.ts';
import { sum } from './reduction.ts';
import { withScope } from './scope.ts';
import { trace } from './trace.ts';

const F32 = { shape: [3], dtype: 'float32' } as const;
const x = parameter('x', F32);

test('there is a gradient for each tensor, by type too', () => {
  const y = parameter('y', F32);
  const [ofX, ofY] = gradient(sum(mul(x, y)), [x, y]) satisfies [Tensor, Tensor];
  assert.deepEqual([ofX.shape, ofY.shape], [[3], [3]]);
  const several: readonly Tensor[] = [x, y];
  assert.equal((gradient(sum(mul(x, y)), several) satisfies Tensor[]).length, 2);
});

suite('what has no gradient', () => {
  test('a loss that is no float scalar', () => {
    assert.throws(() => gradient(exp(x), [x]), {
      message: 'gradient: the loss is float32[3]',
      expected: 'a float scalar',
    });
    assert.throws(() => gradient(scalar(1, 'int32'), [x]), { message: 'gradient: the loss is int32[]' });
  });

  test('a tensor of integers', () => {
    const count = parameter('count', { shape: [2], dtype: 'int32' });
    assert.throws(() => gradient(sum(mul(x, convert(sum(count), 'float32'))), [x, count]), {
      message: 'gradient: tensor 1 of wrt is int32[2]',
      expected: 'float tensors',
    });
  });

  test('ops without a rule', () => {
    const [looped] = whileLoop(
      [x],
      (value) => less(sum(value), 1),
      (value) => [mul(value, 2)],
    );
    assert.throws(() => gradient(sum(looped), [x]), { message: 'gradient: while has no gradient rule' });
    const image = parameter('image', { shape: [1, 4, 4, 1], dtype: 'float32' });
    const [slope] = gradient(sum(maxPool2d(image, { window: [2, 2] })), [image]);
    assert.throws(() => gradient(sum(mul(slope, image)), [image]), {
      message: 'gradient: windowMaxGradient has no gradient rule',
    });
    assert.throws(() => gradient(sum(allReduce([x], 'max')[0]), [x]), {
      message: 'allReduce: no gradient of the max over replicas',
    });
  });

  test('but only where a gradient would have to flow', () => {
    const y = parameter('y', F32);
    const [looped] = whileLoop(
      [x],
      (value) => less(sum(value), 1),
      (value) => [mul(value, 2)],
    );
    assert.doesNotThrow(() => gradient(sum(mul(looped, y)), [y]));
    assert.doesNotThrow(() => gradient(sum(mul(stopGradient(looped), x)), [x]));
    const [own] = customGradient([looped], [x], ([g]) => [g]);
    assert.doesNotThrow(() => gradient(sum(own), [x]));
    for (const made of [looped, allReduce([x], 'max')[0], inOneKernel(() => [mul(x, 2)])[0]]) {
      assert.equal(gradient(sum(mul(made, y)), [made])[0].node.op, 'multiply');
    }
  });

  test('cotangents that are not those of the tensors', () => {
    const outputs = [mul(x, 2), sum(x)];
    const message = 'vjp: the cotangents are not those of the tensors';
    const expected = '[float32[3], float32[]]';
    for (const [cotangents, received] of [
      [[x], '[float32[3]]'],
      [[scalar(1, 'float32'), sum(x)], '[float32[], float32[]]'],
      [[convert(x, 'bfloat16'), sum(x)], '[bfloat16[3], float32[]]'],
    ] as const) {
      assert.throws(() => vjp(outputs, cotangents, [x]), { name: 'ShapeError', message, expected, received });
    }
    for (const [flowing, received] of [
      [[], '[]'],
      [[undefined, sum(x)], '[undefined, float32[]]'],
    ] as const) {
      const [own] = customGradient([mul(x, 2)], [x, x], () => flowing);
      assert.throws(() => gradient(sum(own), [x]), {
        message: 'customGradient: the cotangents are not those of the tensors',
        expected: '[float32[3], float32[3]]',
        received,
      });
    }
  });
});

test('a tensor that the loss doesn’t depend on has gradient zero, of its type', () => {
  const other = parameter('other', { shape: [2, 2], dtype: 'bfloat16' });
  const [zero, throughInteger] = gradient(sum(x), [other, parameter('z', F32)]);
  assert.deepEqual([zero.node.op, zero.shape, zero.dtype], ['constant', [2, 2], 'bfloat16']);
  assert.equal(throughInteger.node.op, 'constant');
  const [cut] = gradient(sum(convert(convert(x, 'int32'), 'float32')), [x]);
  assert.equal(cut.node.op, 'constant');
});

test('gradients of intermediate tensors and of the loss itself', () => {
  const hidden = tanh(x);
  const loss = sum(mul(hidden, 3));
  const [ofLoss, ofHidden, ofInput] = gradient(loss, [loss, hidden, x]);
  assert.equal(ofLoss.node.op, 'constant');
  assert.deepEqual(ofHidden.shape, [3]);
  assert.deepEqual(ofInput.shape, [3]);
});

test('no op is added for tensors that need no gradient', () => {
  const y = parameter('y', F32);
  const [slope] = gradient(sum(mul(exp(x), y)), [y]);
  assert.ok(reachableNodes([slope]).every(({ op }) => op !== 'negate'));
  assert.equal(reachableNodes([slope]).filter(({ op }) => op === 'multiply').length, 1);
});

test('gradient ops carry the layer of the op that they belong to', () => {
  const graph = trace([F32], (a) => {
    const b = withScope('block1', () => withScope('conv', () => tanh(a)));
    const c = withScope('block2', () => relu(b));
    return gradient(sum(c), [a]);
  });
  const scopes = new Set(reachableNodes(graph.outputs).map(({ op, scope }) => `${op} ${scope}`));
  for (const wanted of ['tanh block1/conv', 'subtract block1/conv', 'select block2', 'reshape ']) {
    assert.ok(scopes.has(wanted), `${wanted} is not in ${[...scopes].join('; ')}`);
  }
  assert.throws(() => withScope('broken', () => assert.fail('inside')), /inside/);
  assert.equal(exp(x).node.scope, '');
});

test('a traced function may read constants, but no tensor of another program', () => {
  const foreign = tanh(x);
  assert.throws(() => trace([F32], (a) => [add(a, foreign)]), {
    name: 'ShapeError',
    message: 'trace: the function reads a tensor of another program',
    hint: 'pass it as an argument, or write its numbers into the program with constant()',
  });
  assert.throws(() =>
    trace([F32], (a) =>
      whileLoop(
        [a],
        (b) => less(sum(b), 1),
        (b) => [add(b, foreign)],
      ),
    ),
  );
  assert.doesNotThrow(() => trace([F32], (a) => [add(a, constant(Float32Array.of(1, 2, 3), [3], 'float32'))]));
});

test('programs print for people, loops and layers included', () => {
  const graph = trace([{ ...F32, name: 'input' }], (a) => {
    const scale = withScope('scale', () => mul(a, Infinity));
    const table = constant(Float32Array.of(1, 2, 3), [3], 'float32');
    return [
      whileLoop(
        [scalar(0, 'int32'), add(a, table)],
        (i) => less(i, 3),
        (i, value) => [add(i, 1), mul(value, scale)],
      )[1],
      scale,
    ];
  });
  assert.equal(
    printGraph(graph),
    `(arg0: float32[3]) {
  v0: float32[] = constant {data: Infinity} ()  // scale
  v1: float32[3] = broadcast {axes: []} (v0)  // scale
  v2: float32[3] = multiply(arg0, v1)  // scale
  v3: float32[3] = constant {data: 12 bytes} ()
  v4: int32[] = constant {data: 0} ()
  v5: float32[3] = add(arg0, v3)
  v6: int32[], float32[3] = while {state: 2} (v4, v5, v2)
    while (arg1: int32[], arg2: float32[3]) {
      v7: int32[] = constant {data: 3} ()
      v8: bool[] = compare {direction: "LT"} (arg1, v7)
      return v8
    }
    do (arg3: int32[], arg4: float32[3]) {
      v9: int32[] = constant {data: 1} ()
      v10: int32[] = add(arg3, v9)
      v11: float32[3] = multiply(arg4, v2)
      return v10, v11
    }
  return v6.1, v2
}`,
  );
});
