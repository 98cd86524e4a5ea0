import assert from 'node:assert/strict';
import { test } from 'node:test';
import { meanOfGrids, resizeGrid } from './heatmap.ts';

const grid = (height: number, width: number, values: readonly number[]) => ({
  height,
  width,
  values: Float32Array.from(values),
});

test('a grid is interpolated between the centres of its cells', () => {
  const { values } = resizeGrid(grid(1, 2, [0, 1]), 1, 4);
  assert.deepEqual([...values], [0, 0.25, 0.75, 1]);
  assert.deepEqual([...resizeGrid(grid(1, 1, [3]), 2, 2).values], [3, 3, 3, 3]);
});

test('maps of several models weigh the same, whatever their scale and size', () => {
  const mean = meanOfGrids([grid(1, 2, [0, 100]), grid(1, 4, [1, 0, 0, 0])]);
  assert.deepEqual([mean.height, mean.width], [1, 4]);
  assert.deepEqual([...mean.values], [1, 0.25, 0.75, 1]);
});

test('a map of nothing stays one', () => {
  assert.deepEqual([...meanOfGrids([grid(2, 1, [0, 0])]).values], [0, 0]);
});
