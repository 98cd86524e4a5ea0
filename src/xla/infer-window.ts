import { ShapeError } from './errors.ts';
import type { ConvParams, Padding, Tensor, TensorType, WindowParams } from './ir.ts';
import { formatShape, sameShape, type Shape } from './shape.ts';

/** Positions that a window takes along one axis. */
function windowCount(size: number, window: number, stride: number, [low, high]: Padding): number {
  return Math.floor((size + low + high - window) / stride) + 1;
}

/** Size of a kernel axis with the gaps of its dilation. */
export const dilatedSize = (size: number, dilation: number): number => (size - 1) * dilation + 1;

function requirePositive(where: string, numbers: Record<string, readonly number[]>): void {
  for (const [name, values] of Object.entries(numbers)) {
    if (!values.every((value) => Number.isInteger(value) && value >= 1)) {
      throw new ShapeError(`${where}: ${name} [${values.join(',')}] are not whole numbers from 1`);
    }
  }
}

/** Refuses padding of parts of an element, which half of an even kernel would be; sums of both ends may hide it. */
function requireWholePadding(where: string, padding: readonly Padding[]): void {
  if (padding.flat().every(Number.isInteger)) return;
  throw new ShapeError(
    `${where}: padding [${padding.map((ends) => `[${ends.join(',')}]`).join(',')}] is not of whole numbers`,
  );
}

/** Output shape of a convolution of `input` [N, spatial…, C] with `kernel` [spatial…, C / groups, outputs]. */
export function convShape(op: string, params: ConvParams, input: Shape, kernel: Shape): Shape {
  const { strides, padding, dilation, groups } = params;
  const spatial = input.length - 2;
  const where = `${op}: input ${formatShape(input)} and kernel ${formatShape(kernel)}`;
  if (spatial < 1 || kernel.length !== input.length) throw new ShapeError(`${where} need one rank of at least 3`);
  if (strides.length !== spatial || padding.length !== spatial || dilation.length !== spatial) {
    throw new ShapeError(`${where} need ${spatial} strides, paddings and dilations`);
  }
  requirePositive(where, { strides, dilation, groups: [groups], 'kernel sizes': kernel.slice(0, spatial) });
  requireWholePadding(where, padding);
  const channels = input[input.length - 1];
  const outputs = kernel[kernel.length - 1];
  if (channels !== kernel[kernel.length - 2] * groups || outputs % groups !== 0) {
    throw new ShapeError(`${where} don't fit with ${groups} ${groups === 1 ? 'group' : 'groups'}`, {
      expected:
        channels % groups === 0
          ? `a kernel of ${channels / groups} input channels and outputs divisible by ${groups}`
          : `input channels divisible by ${groups}`,
    });
  }
  const sizes = strides.map((stride, i) =>
    windowCount(input[i + 1], dilatedSize(kernel[i], dilation[i]), stride, padding[i]),
  );
  if (sizes.some((size) => size < 1)) throw new ShapeError(`${where} leave no output: ${formatShape(sizes)}`);
  return [input[0], ...sizes, outputs];
}

export function inferConv(params: ConvParams, x: Tensor, kernel: Tensor): TensorType {
  requireSameDType('conv', x, kernel);
  return { shape: convShape('conv', params, x.shape, kernel.shape), dtype: x.dtype };
}

export function inferConvInputGradient(
  params: ConvParams & { readonly inputShape: Shape },
  gradient: Tensor,
  kernel: Tensor,
): TensorType {
  requireSameDType('convInputGradient', gradient, kernel);
  requireGradientShape(
    'convInputGradient',
    gradient,
    convShape('convInputGradient', params, params.inputShape, kernel.shape),
  );
  return { shape: params.inputShape, dtype: gradient.dtype };
}

export function inferConvKernelGradient(
  params: ConvParams & { readonly kernelShape: Shape },
  x: Tensor,
  gradient: Tensor,
): TensorType {
  requireSameDType('convKernelGradient', x, gradient);
  requireGradientShape(
    'convKernelGradient',
    gradient,
    convShape('convKernelGradient', params, x.shape, params.kernelShape),
  );
  return { shape: params.kernelShape, dtype: x.dtype };
}

export function inferWindow(op: string, params: WindowParams, x: Tensor): TensorType {
  const { window, strides, padding } = params;
  if (window.length !== x.rank || strides.length !== x.rank || padding.length !== x.rank) {
    throw new ShapeError(`${op}: window ${formatShape(window)} and input ${formatShape(x.shape)} differ in rank`);
  }
  requirePositive(op, { window, strides });
  requireWholePadding(op, padding);
  const shape = x.shape.map((size, i) => windowCount(size, window[i], strides[i], padding[i]));
  // An axis that no window goes along may be empty: a batch of no images.
  const isAlong = (i: number) => window[i] > 1 || strides[i] > 1 || padding[i].some((size) => size !== 0);
  if (shape.some((size, i) => size < (isAlong(i) ? 1 : 0))) {
    throw new ShapeError(
      `${op}: window ${formatShape(window)} is larger than the padded input ${formatShape(x.shape)}`,
    );
  }
  return { shape, dtype: x.dtype };
}

export function inferWindowGradient(params: WindowParams, x: Tensor, gradient: Tensor): TensorType {
  requireSameDType('windowMaxGradient', x, gradient);
  requireGradientShape('windowMaxGradient', gradient, inferWindow('windowMaxGradient', params, x).shape);
  return { shape: x.shape, dtype: x.dtype };
}

/** There is no implicit promotion. */
export function requireSameDType(op: string, a: TensorType, b: TensorType): void {
  if (a.dtype !== b.dtype) {
    throw new ShapeError(
      `${op}: dtypes ${a.dtype}${formatShape(a.shape)} and ${b.dtype}${formatShape(b.shape)} differ`,
      {
        hint: 'there is no implicit promotion: use convert()',
      },
    );
  }
}

function requireGradientShape(op: string, gradient: Tensor, forward: Shape): void {
  if (!sameShape(gradient.shape, forward)) {
    throw new ShapeError(
      `${op}: gradient ${formatShape(gradient.shape)} has not the shape of the output, ${formatShape(forward)}`,
    );
  }
}
