import {
  add,
  allReduce,
  channelVector,
  concatenate,
  convert,
  customGradient,
  div,
  elementCount,
  full,
  isOp,
  maximum,
  mul,
  neg,
  optimizationBarrier,
  reshape,
  rsqrt,
  sliceAxis,
  square,
  stack,
  sub,
  sum,
  type DType,
  type Node,
  type Tensor,
} from '../xla/index.ts';
import { ones, zeros } from './initializer.ts';
import type { Scope } from './scope.ts';

/** Settings of batch normalisation. */
export interface BatchNormSettings {
  /** Share of the old moving statistics in the new ones. */
  readonly momentum?: number;
  readonly epsilon?: number;
  /** False leaves out gamma. */
  readonly scale?: boolean;
}

/**
 * Batch normalisation over all axes but the last (Ioffe and Szegedy 2015), with variables `gamma`, `beta`,
 * `moving_mean` and `moving_variance`, each [C].
 *
 * Statistics are taken in float32 (in float64 for a network that computes in it) and kept in float32. The variance is the biased one, as
 * in Keras. Defaults are Keras's.
 */
export function batchNorm(scope: Scope, x: Tensor, settings: BatchNormSettings = {}): Tensor {
  const { momentum = 0.99, epsilon = 1e-3, scale = true } = settings;
  const shape = [x.shape[x.rank - 1]];
  const wide = wideType(x);
  const gamma = scale ? convert(scope.variable('gamma', shape, 'scale', ones), wide) : undefined;
  const beta = convert(scope.variable('beta', shape, 'bias', zeros), wide);
  const movingMean = convert(scope.variable('moving_mean', shape, 'statistic', zeros), wide);
  const movingVariance = convert(scope.variable('moving_variance', shape, 'statistic', ones), wide);
  if (!scope.usesBatchStatistics) {
    return affine(x, movingMean, slopeOf(rsqrt(add(movingVariance, epsilon)), gamma), beta);
  }

  const { data, bias } = withoutBias(x, scope.settings.syncReplicas);
  const { mean, variance, wayBack } = moments(data, scope.settings.syncReplicas);
  const biasedMean = bias === undefined ? mean : add(mean, convert(bias, wide));
  scope.update('moving_mean', () => convert(movingAverage(movingMean, biasedMean, momentum), 'float32'));
  scope.update('moving_variance', () => convert(movingAverage(movingVariance, variance, momentum), 'float32'));
  return normalize({
    x: data,
    mean,
    variance,
    wayBack,
    epsilon,
    gamma,
    beta,
    syncReplicas: scope.settings.syncReplicas,
  });
}

/**
 * The convolution before its bias was added: what is added to a whole channel moves its mean and nothing else, so it has no
 * gradient, and leaving it out spares a pass over the data forward and one back. Where replicas are measured together it has to be the
 * same on all of them, as variables are.
 */
function withoutBias(x: Tensor, syncReplicas = 1): { data: Tensor; bias?: Tensor } {
  if (!isOp(x.node, 'add')) return { data: x };
  const [data, wide] = x.node.inputs;
  const bias = channelVector(wide);
  return bias === undefined || (syncReplicas > 1 && !isGiven(bias)) ? { data: x } : { data, bias };
}

/** Whether a tensor is one of the program's own inputs, in whatever type. */
function isGiven({ node }: Tensor): boolean {
  return isOp(node, 'convert') ? isGiven(node.inputs[0]) : isOp(node, 'parameter');
}

/** What statistics are taken in: float32, or float64 in a network that computes in it. */
const wideType = (x: Tensor): DType => (x.dtype === 'float64' ? 'float64' : 'float32');

const movingAverage = (old: Tensor, now: Tensor, momentum: number): Tensor =>
  add(mul(old, momentum), mul(now, 1 - momentum));

const batchAxes = (x: Tensor): number[] => x.shape.slice(0, -1).map((_, axis) => axis);

/**
 * Mean and biased variance of each channel.
 *
 * E[x²] − E[x]² saves a pass over the data, but its rounding turns over ReLUs, and that alone takes the gradients of
 * ResNet50V2 1 % away from Keras's. Numbers of 16 bits have been rounded more than that already, and a network that
 * computes in them does so for speed: theirs are taken in one pass.
 */
function moments(x: Tensor, syncReplicas = 1): Moments {
  const known = measured.get(x.node);
  if (known?.syncReplicas === syncReplicas) return known;
  const parts = isOp(x.node, 'concatenate') && x.node.params.axis === x.rank - 1 ? x.node.inputs : undefined;
  const found = parts === undefined ? measure(x, syncReplicas) : joinMoments(parts, syncReplicas);
  if (x.node.outputs.length === 1) measured.set(x.node, { ...found, syncReplicas });
  return found;
}

interface Moments {
  /** [channels], as is the variance. */
  readonly mean: Tensor;
  readonly variance: Tensor;
  /**
   * Takes what flows back to the mean and to half the variance, [2, channels], on to what was measured; its own numbers mean
   * nothing. From all layers that normalise the same it is added up while it is this small: each layer of a DenseNet would else do a
   * pass over all that the layers before it gave. Layers of 16-bit numbers do that: see `centred`.
   */
  readonly wayBack: Tensor;
}

/** What was measured while tracing: the layers of DenseNet all normalise what the layers before them have given. */
const measured = new WeakMap<Node, Moments & { readonly syncReplicas: number }>();

/** Channels that stand side by side have the statistics that they have by themselves. */
function joinMoments(parts: readonly Tensor[], syncReplicas: number): Moments {
  const all = parts.map((part) => moments(part, syncReplicas));
  return {
    mean: concatenate(all.map(({ mean }) => mean), 0), // prettier-ignore
    variance: concatenate(all.map(({ variance }) => variance), 0), // prettier-ignore
    wayBack: concatenate(all.map(({ wayBack }) => wayBack), 1), // prettier-ignore
  };
}

function measure(x: Tensor, syncReplicas: number): Moments {
  const wide = convert(x, wideType(x));
  const axes = batchAxes(x);
  const count = countOf(x, syncReplicas);
  const average = (y: Tensor): Tensor => {
    const total = sum(y, { axes });
    return div(syncReplicas > 1 ? allReduce([total])[0] : total, count);
  };
  const mean = average(wide);
  const variance =
    x.dtype === wide.dtype ? average(square(sub(wide, mean))) : maximum(sub(average(square(wide)), square(mean)), 0);
  const [wayBack] = customGradient([full([2, mean.shape[0]], 0, mean.dtype)], [x], ([cotangent]) => {
    const [total] = syncReplicas > 1 ? allReduce([cotangent]) : [cotangent];
    // The sum over layers is computed once, not once an element.
    const [share] = optimizationBarrier([div(total, count)]);
    const [ofMean, ofSpread] = [0, 1].map((row) => reshape(sliceAxis(share, 0, row, row + 1), mean.shape));
    return [convert(add(ofMean, mul(deviation(x, mean, 2), ofSpread)), x.dtype)];
  });
  return { mean, variance, wayBack };
}

/**
 * x − mean once more. The same in the variance, in the sum for gamma and in x's gradient would be computed once and kept, at the size
 * of the whole input: XLA fuses what has one use. Another number of barriers tells each of them apart.
 */
function deviation(x: Tensor, mean: Tensor, barriers: number): Tensor {
  let centre = mean;
  for (let i = 0; i < barriers; i++) [centre] = optimizationBarrier([centre]);
  return sub(convert(x, mean.dtype), centre);
}

/** How many numbers a channel's statistics are taken of. */
const countOf = (x: Tensor, syncReplicas: number): number => elementCount(x.shape.slice(0, -1)) * syncReplicas;

const slopeOf = (inverse: Tensor, gamma: Tensor | undefined): Tensor =>
  gamma === undefined ? inverse : mul(inverse, gamma);

/** (x − mean) · slope + beta, as one multiplication and one addition an element. */
function affine(x: Tensor, mean: Tensor, slope: Tensor, beta: Tensor): Tensor {
  const shift = sub(beta, mul(mean, slope));
  return convert(add(mul(convert(x, slope.dtype), slope), shift), x.dtype);
}

interface NormalizeInputs extends Moments {
  readonly x: Tensor;
  readonly epsilon: number;
  readonly gamma: Tensor | undefined;
  readonly beta: Tensor;
  readonly syncReplicas: number | undefined;
}

/**
 * Normalises with batch statistics, with the gradients written out: one pass for the two sums that all of them but x's are made
 * of, where differentiating the formula would take several.
 */
function normalize(all: NormalizeInputs): Tensor {
  const { x, mean, variance, wayBack, epsilon, gamma, beta } = all;
  const inverse = rsqrt(add(variance, epsilon));
  const slope = slopeOf(inverse, gamma);
  const output = affine(x, mean, slope, beta);
  const isNarrow = x.dtype !== mean.dtype;
  const inputs = [x, beta, ...(gamma === undefined ? [] : [gamma])];
  const [result] = customGradient([output], isNarrow ? inputs : [wayBack, ...inputs], ([gradient]) => {
    const wide = convert(gradient, mean.dtype);
    const axes = batchAxes(x);
    const ofBeta = sum(wide, { axes });
    const ofGamma = mul(sum(mul(wide, deviation(x, mean, 1)), { axes }), inverse);
    const ofParameters = gamma === undefined ? [ofBeta] : [ofBeta, ofGamma];
    if (isNarrow) {
      return [convert(mul(slope, centred(wide, [ofBeta, ofGamma], inverse, all)), x.dtype), ...ofParameters];
    }
    const back = stack([mul(slope, neg(ofBeta)), mul(mul(slope, inverse), neg(ofGamma))]);
    return [back, mul(slope, wide), ...ofParameters];
  });
  return result;
}

/** x's whole gradient before it is scaled, in one piece, for numbers of 16 bits: they are to be rounded once. */
function centred(
  gradient: Tensor,
  [ofBeta, ofGamma]: readonly [Tensor, Tensor],
  inverse: Tensor,
  { x, mean, syncReplicas = 1 }: NormalizeInputs,
): Tensor {
  const count = countOf(x, syncReplicas);
  const [totalBeta, totalGamma] = syncReplicas > 1 ? allReduce([ofBeta, ofGamma]) : [ofBeta, ofGamma];
  const tilt = mul(inverse, div(totalGamma, count));
  return sub(sub(gradient, div(totalBeta, count)), mul(deviation(x, mean, 2), tilt));
}
