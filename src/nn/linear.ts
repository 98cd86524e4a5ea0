import { add, conv2d as convolve, convert, matmul, reshape, type Padding, type Tensor } from '../xla/index.ts';
import { glorotUniform, heNormalFanOut, zeros, type Initializer } from './initializer.ts';
import type { Scope } from './scope.ts';

/** Settings of a convolution. */
export interface ConvSettings {
  /** Output channels. */
  readonly filters: number;
  readonly kernel: number | readonly [number, number];
  readonly strides?: number;
  readonly padding?: 'same' | 'valid' | readonly [Padding, Padding];
  readonly dilation?: number;
  readonly groups?: number;
  readonly bias?: boolean;
  readonly initializer?: Initializer;
  /** Name of the kernel, where it is not `kernel`. */
  readonly name?: string;
}

// Variables are float32; a network that computes in bfloat16 rounds them where they are used.
const addBias = (scope: Scope, y: Tensor, size: number): Tensor =>
  add(y, convert(scope.variable('bias', [size], 'bias', zeros), y.dtype));

/** Convolution of `[N, H, W, C]` with variables `kernel` [kh, kw, C / groups, filters] and `bias` [filters]. */
export function conv2d(scope: Scope, x: Tensor, settings: ConvSettings): Tensor {
  const {
    filters,
    kernel,
    strides = 1,
    padding = 'same',
    dilation = 1,
    groups = 1,
    bias = true,
    name = 'kernel',
  } = settings;
  const [height, width] = typeof kernel === 'number' ? [kernel, kernel] : kernel;
  const shape = [height, width, x.shape[3] / groups, filters];
  const weights = scope.variable(name, shape, 'kernel', settings.initializer ?? glorotUniform);
  const y = convolve(x, convert(weights, x.dtype), {
    strides: [strides, strides],
    padding,
    dilation: [dilation, dilation],
    groups,
  });
  return bias ? addBias(scope, y, filters) : y;
}

/** Settings of a depthwise convolution. */
export type DepthwiseSettings = Omit<ConvSettings, 'filters' | 'groups'>;

/** Convolution of every channel by itself, with variables `kernel` [kh, kw, C, 1] and `bias` [C]. */
export function depthwiseConv2d(scope: Scope, x: Tensor, settings: DepthwiseSettings): Tensor {
  const { kernel, strides = 1, padding = 'same', dilation = 1, bias = true, name = 'kernel' } = settings;
  const [height, width] = typeof kernel === 'number' ? [kernel, kernel] : kernel;
  const channels = x.shape[3];
  const weights = scope.variable(name, [height, width, channels, 1], 'kernel', settings.initializer ?? glorotUniform);
  const y = convolve(x, convert(reshape(weights, [height, width, 1, channels]), x.dtype), {
    strides: [strides, strides],
    padding,
    dilation: [dilation, dilation],
    groups: channels,
  });
  return bias ? addBias(scope, y, channels) : y;
}

/**
 * A depthwise convolution and a 1×1 one that mixes its channels (Chollet 2017), with variables `depthwise_kernel`
 * [kh, kw, C, 1], `pointwise_kernel` [1, 1, C, filters] and `bias` [filters].
 */
export function separableConv2d(scope: Scope, x: Tensor, settings: Omit<ConvSettings, 'groups' | 'name'>): Tensor {
  const { filters, bias, initializer, ...spatial } = settings;
  const depthwise = { ...spatial, bias: false, name: 'depthwise_kernel', initializer: heNormalFanOut };
  const y = depthwiseConv2d(scope, x, depthwise);
  return conv2d(scope, y, { filters, kernel: 1, bias, initializer, name: 'pointwise_kernel' });
}

/** Settings of a fully connected layer. */
export interface DenseSettings {
  readonly units: number;
  readonly bias?: boolean;
  readonly initializer?: Initializer;
}

/** `[…, inputs]` times `kernel` [inputs, units], plus `bias` [units]. */
export function dense(
  scope: Scope,
  x: Tensor,
  { units, bias = true, initializer = glorotUniform }: DenseSettings,
): Tensor {
  const weights = scope.variable('kernel', [x.shape[x.rank - 1], units], 'kernel', initializer);
  const y = matmul(x, convert(weights, x.dtype));
  return bias ? addBias(scope, y, units) : y;
}
