import { emit } from './emit.ts';
import { ShapeError } from './errors.ts';
import { dilatedSize } from './infer-window.ts';
import type { DotParams, Padding, Tensor } from './ir.ts';
import { formatShape } from './shape.ts';

/** General product: batch axes are matched, contracted axes summed; the result is [batch, free left, free right]. */
export function dotGeneral(left: Tensor, right: Tensor, params: DotParams): Tensor {
  return emit('dot', params, [left, right]);
}

/** `[…, k]` times `[k, n]` gives `[…, n]`. */
export function matmul(left: Tensor, right: Tensor): Tensor {
  if (right.rank !== 2 || left.rank < 1) {
    throw new ShapeError(
      `matmul: ${formatShape(left.shape)} and ${formatShape(right.shape)} are not […, k] and [k, n]`,
    );
  }
  return dotGeneral(left, right, { batchLeft: [], batchRight: [], contractLeft: [left.rank - 1], contractRight: [0] });
}

/** How a window moves over images. */
export interface ConvOptions {
  readonly strides?: readonly [number, number];
  /** `same` gives ceil(size / stride) outputs with the odd zero at the end, as TensorFlow does; or [[top, bottom], [left, right]]. */
  readonly padding?: 'same' | 'valid' | readonly [Padding, Padding];
  readonly dilation?: readonly [number, number];
  readonly groups?: number;
}

/**
 * 2-D convolution (no kernel flip) of `[N, H, W, C]` with `[kh, kw, C / groups, outputs]`.
 *
 * Output channel o reads the input channels of group floor(o / (outputs / groups)).
 */
export function conv2d(x: Tensor, kernel: Tensor, options: ConvOptions = {}): Tensor {
  const { strides = [1, 1], dilation = [1, 1], groups = 1 } = options;
  if (x.rank !== 4 || kernel.rank !== 4) {
    throw new ShapeError(
      `conv2d: input ${formatShape(x.shape)} and kernel ${formatShape(kernel.shape)} must have rank 4`,
    );
  }
  const windows: [number, number] = [
    dilatedSize(kernel.shape[0], dilation[0]),
    dilatedSize(kernel.shape[1], dilation[1]),
  ];
  const padding = resolvePadding(options.padding ?? 'valid', [x.shape[1], x.shape[2]], windows, strides);
  return emit('conv', { strides, padding, dilation, groups }, [x, kernel]);
}

/** Padding of the two spatial axes in numbers. */
export function resolvePadding(
  padding: 'same' | 'valid' | readonly [Padding, Padding],
  sizes: readonly [number, number],
  windows: readonly [number, number],
  strides: readonly [number, number],
): readonly [Padding, Padding] {
  if (padding === 'valid') {
    return [
      [0, 0],
      [0, 0],
    ];
  }
  if (padding !== 'same') return padding;
  const one = (axis: 0 | 1): Padding => {
    const outputs = Math.ceil(sizes[axis] / strides[axis]);
    const total = Math.max(0, (outputs - 1) * strides[axis] + windows[axis] - sizes[axis]);
    return [Math.floor(total / 2), Math.ceil(total / 2)];
  };
  return [one(0), one(1)];
}
