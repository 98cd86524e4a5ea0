import type { Heat } from '../train/index.ts';

/** A grid of another size: each value interpolated between the four nearest, pixel centres in line. */
export function resizeGrid({ height, width, values }: Heat, toHeight: number, toWidth: number): Heat {
  if (height === toHeight && width === toWidth) return { height, width, values };
  const out = new Float32Array(toHeight * toWidth);
  const rows = weightsAlong(height, toHeight);
  const columns = weightsAlong(width, toWidth);
  for (const [y, [top, bottom, down]] of rows.entries()) {
    for (const [x, [left, right, across]] of columns.entries()) {
      const above = values[top * width + left] * (1 - across) + values[top * width + right] * across;
      const below = values[bottom * width + left] * (1 - across) + values[bottom * width + right] * across;
      out[y * toWidth + x] = above * (1 - down) + below * down;
    }
  }
  return { height: toHeight, width: toWidth, values: out };
}

/** For each place of a line: its neighbours before and after, and how far it is towards the one after. */
function weightsAlong(from: number, to: number): (readonly [number, number, number])[] {
  return Array.from({ length: to }, (_, i) => {
    const at = Math.min(from - 1, Math.max(0, ((i + 0.5) * from) / to - 0.5));
    const before = Math.floor(at);
    return [before, Math.min(from - 1, before + 1), at - before] as const;
  });
}

/** Weighted mean of grids, each brought to a greatest value of 1 first; on the size of the finest one. */
export function meanOfGrids(grids: readonly Heat[], weights: readonly number[] = grids.map(() => 1)): Heat {
  const finest = grids.reduce((best, grid) => (grid.values.length > best.values.length ? grid : best));
  const { height, width } = finest;
  const sum = new Float32Array(height * width);
  for (const [n, grid] of grids.entries()) {
    const { values } = resizeGrid(toUnit(grid), height, width);
    for (const [i, value] of values.entries()) sum[i] += weights[n] * value;
  }
  return toUnit({ height, width, values: sum });
}

function toUnit(grid: Heat): Heat {
  const top = grid.values.reduce((a, b) => Math.max(a, b), 0);
  return top > 0 ? { ...grid, values: grid.values.map((value) => value / top) } : grid;
}
