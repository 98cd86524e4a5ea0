import { elementCount, type Shape } from '../src/xla/index.ts';
import type { ConvParams, DotParams, WindowParams } from '../src/xla/ir.ts';
import { convShape } from '../src/xla/infer-window.ts';

/** Row-major numbers with their shape. */
export interface Grid {
  readonly shape: Shape;
  readonly data: readonly number[];
}

/** All index lists of a shape, row-major. */
export function* indices(shape: Shape): Generator<number[]> {
  const index = shape.map(() => 0);
  for (let n = elementCount(shape); n > 0; n--) {
    yield [...index];
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis] === shape[axis]; axis--) index[axis] = 0;
  }
}

export function read({ shape, data }: Grid, index: readonly number[]): number | undefined {
  if (index.some((at, axis) => at < 0 || at >= shape[axis])) return undefined;
  return data[index.reduce((flat, at, axis) => flat * shape[axis] + at, 0)];
}

export function build(shape: Shape, value: (index: number[]) => number): Grid {
  return { shape, data: Array.from(indices(shape), value) };
}

/** The convolution's definition, one multiplication at a time. */
export function convolve(params: ConvParams, x: Grid, kernel: Grid): Grid {
  const { strides, padding, dilation, groups } = params;
  const shape = convShape('reference', params, x.shape, kernel.shape);
  const taps = kernel.shape.slice(0, -2);
  const [inputs, outputs] = kernel.shape.slice(-2);
  return build(shape, ([n, ...rest]) => {
    const channel = rest.at(-1) ?? 0;
    const group = Math.floor(channel / (outputs / groups));
    let total = 0;
    for (const tap of indices(taps)) {
      const place = tap.map((t, i) => rest[i] * strides[i] - padding[i][0] + t * dilation[i]);
      for (let c = 0; c < inputs; c++) {
        const left = read(x, [n, ...place, group * inputs + c]) ?? 0;
        total += left * (read(kernel, [...tap, c, channel]) ?? NaN);
      }
    }
    return total;
  });
}

/** What each window holds; padding is left out. */
export function reduceWindows(
  { window, strides, padding }: WindowParams,
  x: Grid,
  shape: Shape,
  reduce: (values: number[]) => number,
): Grid {
  return build(shape, (index) => {
    const inside = [...indices(window)].map((offset) =>
      read(
        x,
        offset.map((by, axis) => index[axis] * strides[axis] - padding[axis][0] + by),
      ),
    );
    return reduce(inside.filter((value) => value !== undefined));
  });
}

/** The general product's definition: [batch, free left, free right]. */
export function product(params: DotParams, left: Grid, right: Grid): Grid {
  const { batchLeft, batchRight, contractLeft, contractRight } = params;
  const free = (grid: Grid, used: readonly number[]) =>
    grid.shape.map((_, i) => i).filter((axis) => !used.includes(axis));
  const freeLeft = free(left, [...batchLeft, ...contractLeft]);
  const freeRight = free(right, [...batchRight, ...contractRight]);
  const sizes = (grid: Grid, axes: readonly number[]) => axes.map((axis) => grid.shape[axis]);
  const shape = [...sizes(left, batchLeft), ...sizes(left, freeLeft), ...sizes(right, freeRight)];
  return build(shape, (index) => {
    const batch = index.slice(0, batchLeft.length);
    const fromLeft = index.slice(batch.length, batch.length + freeLeft.length);
    const fromRight = index.slice(batch.length + freeLeft.length);
    let total = 0;
    for (const inner of indices(sizes(left, contractLeft))) {
      const l: number[] = [];
      const r: number[] = [];
      batchLeft.forEach((axis, i) => (l[axis] = batch[i]));
      batchRight.forEach((axis, i) => (r[axis] = batch[i]));
      freeLeft.forEach((axis, i) => (l[axis] = fromLeft[i]));
      freeRight.forEach((axis, i) => (r[axis] = fromRight[i]));
      contractLeft.forEach((axis, i) => (l[axis] = inner[i]));
      contractRight.forEach((axis, i) => (r[axis] = inner[i]));
      total += (read(left, l) ?? NaN) * (read(right, r) ?? NaN);
    }
    return total;
  });
}
