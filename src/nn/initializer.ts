import { assert, Random } from '../base/index.ts';
import { elementCount, type Shape } from '../xla/index.ts';

/** How a variable's first values are drawn. Scaled ones follow Keras's `VarianceScaling`. */
export type Initializer =
  | { readonly kind: 'constant'; readonly value: number }
  | {
      readonly kind: 'varianceScaling';
      readonly scale: number;
      readonly mode: 'fanIn' | 'fanOut' | 'fanAverage';
      readonly distribution: 'uniform' | 'truncatedNormal' | 'normal';
    }
  | { readonly kind: 'truncatedNormal'; readonly stddev: number };

/** Zeros: for biases. */
export const zeros: Initializer = { kind: 'constant', value: 0 };
/** Ones: for scales. */
export const ones: Initializer = { kind: 'constant', value: 1 };
/** Glorot and Bengio 2010. */
export const glorotUniform: Initializer = {
  kind: 'varianceScaling',
  scale: 1,
  mode: 'fanAverage',
  distribution: 'uniform',
};
/** He et al. 2015. */
export const heNormal: Initializer = {
  kind: 'varianceScaling',
  scale: 2,
  mode: 'fanIn',
  distribution: 'truncatedNormal',
};
/** He et al. 2015 by the outputs of a kernel; for a depthwise one [kh, kw, C, 1] these are its window's elements. */
export const heNormalFanOut: Initializer = { ...heNormal, mode: 'fanOut' };

/** First values of a variable, float32 row-major; the stream depends on the seed and the variable's path only. */
export function initialValues(initializer: Initializer, shape: Shape, seed: number, path: string): Float32Array {
  const values = new Float32Array(elementCount(shape));
  if (initializer.kind === 'constant') return values.fill(initializer.value);
  const random = new Random(seed, 'initial', path);
  const draw = sampler(initializer, shape, random);
  for (let i = 0; i < values.length; i++) values[i] = draw();
  return values;
}

/** Standard deviation of a normal distribution cut at ±2 standard deviations. */
const TRUNCATED_STDDEV = 0.87962566103423978;

function sampler(initializer: Exclude<Initializer, { kind: 'constant' }>, shape: Shape, random: Random): () => number {
  if (initializer.kind === 'truncatedNormal') return () => initializer.stddev * truncatedNormal(random);
  const { scale, mode, distribution } = initializer;
  const { fanIn, fanOut } = fans(shape);
  const fan = { fanIn, fanOut, fanAverage: (fanIn + fanOut) / 2 }[mode];
  const variance = scale / Math.max(1, fan);
  switch (distribution) {
    case 'uniform': {
      const limit = Math.sqrt(3 * variance);
      return () => random.uniform(-limit, limit);
    }
    case 'normal': {
      const stddev = Math.sqrt(variance);
      return () => stddev * random.normal();
    }
    case 'truncatedNormal': {
      const stddev = Math.sqrt(variance) / TRUNCATED_STDDEV;
      return () => stddev * truncatedNormal(random);
    }
    default:
      return distribution satisfies never;
  }
}

function truncatedNormal(random: Random): number {
  for (;;) {
    const value = random.normal();
    if (Math.abs(value) < 2) return value;
  }
}

/** Inputs and outputs of one unit of a kernel [spatial…, in, out]. */
function fans(shape: Shape): { fanIn: number; fanOut: number } {
  assert(shape.length >= 1, 'a scaled initializer needs a kernel, not a scalar');
  if (shape.length === 1) return { fanIn: shape[0], fanOut: shape[0] };
  const field = elementCount(shape.slice(0, -2));
  const [inputs, outputs] = shape.slice(-2);
  return { fanIn: field * inputs, fanOut: field * outputs };
}
