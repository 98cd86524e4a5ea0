import { isPointwise, pointwiseConv } from './cpu-pointwise.ts';
import { FORWARD_REDUCTIONS } from './cpu-reduce.ts';
import type { Rewrite, RewriteTable } from './rewrite.ts';

/** Positions at most of which a product is faster than a convolution: 16 maps of 12 × 12. */
const FEW_POSITIONS = 2400;

/**
 * A 1×1 convolution of few positions as a matrix product.
 *
 * For a convolution oneDNN lays the kernel out anew in every call, for a product it reads it as it is: [1, 12, 12, 728] to 728 channels
 * takes 0.66 ms on two cores instead of 0.90, [1, 6, 6, 2048] to 512 0.49 instead of 0.82. Where two devices share the threads, laying out
 * 728 × 728 takes 1.3 ms instead of 0.24, as half of it waits behind the other device's ops: with up to 2,304 positions instead of 576 as
 * products a batch of Xception takes 5 % less, of ResNet50 1 %, of smaller networks the same. Of more the convolution is as fast or faster.
 */
const pointwiseConvOfFewPositions: Rewrite<'conv'> = (params, [x, kernel]) => {
  const [batch, ...sizes] = x.shape.slice(0, -1);
  const positions = sizes.reduce((product, size, i) => product * Math.ceil(size / params.strides[i]), batch);
  if (positions > FEW_POSITIONS || !isPointwise(params, kernel.shape)) return undefined;
  return pointwiseConv(params, [x, kernel]);
};

/** Forms of what oneDNN doesn't take, or is slower at, where XLA's own choice for the plain op is slow; for programs that only go forward. */
export const CPU_ONEDNN_REWRITES: RewriteTable = {
  conv: pointwiseConvOfFewPositions,
  ...FORWARD_REDUCTIONS,
};
