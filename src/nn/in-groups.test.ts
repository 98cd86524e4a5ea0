import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mul, parameter, trace, type Tensor } from '../xla/index.ts';
import { inGroups } from './in-groups.ts';

const f32 = (...shape: number[]) => ({ shape, dtype: 'float32' }) as const;

/** Nodes that give what was made for each tensor of these sizes. */
function madeFor(sizes: readonly number[]): Tensor[][] {
  let made: (readonly Tensor[])[] = [];
  trace(sizes.map((size) => f32(size)), (...tensors) => {
    made = inGroups(tensors, (i) => [mul(tensors[i], i), mul(tensors[i], 2)]);
    return made.flat();
  }); // prettier-ignore
  return made.map((each) => [...each]);
}

test('small tensors share a kernel, large ones and those of a common shape have their own', () => {
  const common = Array.from({ length: 8 }, () => 7);
  const sizes = [3, 2 ** 18 + 1, 4, ...common];
  const made = madeFor(sizes);
  assert.deepEqual(
    made.map(([first, second]) => [first.shape, second.shape]),
    sizes.map((size) => [[size], [size]]),
  );
  assert.deepEqual(
    made.map(([{ node }]) => node.op),
    ['call', 'multiply', 'call', ...common.map(() => 'multiply')],
  );
  assert.equal(made[0][0].node, made[2][1].node);
});

test('a kernel takes so many tensors and elements and no more', () => {
  const kernels = (sizes: readonly number[]) => new Set(madeFor(sizes).map(([{ node }]) => node)).size;
  assert.equal(kernels(Array.from({ length: 33 }, (_, i) => i + 1)), 2);
  assert.equal(kernels([2 ** 18, 2 ** 18 - 1, 1]), 1);
  assert.equal(kernels([2 ** 18, 2 ** 18 - 1, 2]), 2);
});

test('no tensors make no kernel', () => {
  assert.deepEqual(
    inGroups([], () => [parameter('never', f32(1))]),
    [],
  );
});
