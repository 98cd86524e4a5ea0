import { uniformPerExample } from '../../nn/index.ts';
import { add, foldIn, mul, reshape, sliceAxis, type Tensor } from '../../xla/index.ts';

/** Where random numbers come from. */
export interface Draws {
  readonly key: Tensor;
  /** Index of the replica's first example in the global batch. */
  readonly firstExample: Tensor;
}

/** Each kind of change has a stream of its own, so that switching one on leaves the numbers of the others as they are. */
const STREAMS = [
  'turn',
  'affine',
  'color',
  'grayscale',
  'noise',
  'blur',
  'erase',
  'eraseNoise',
  'preset',
  'mix',
  'noiseStrength',
] as const;
type Stream = (typeof STREAMS)[number];

export const streamKey = ({ key }: Draws, stream: Stream): Tensor => foldIn(key, STREAMS.indexOf(stream) + 1);

/** `count` uniform numbers in [0, 1) for each example; each a tensor [batch]. */
function drawEach(key: Tensor, firstExample: Tensor, batch: number, count: number): Tensor[] {
  const all = uniformPerExample(key, firstExample, batch, [count]);
  return Array.from({ length: count }, (_, i) => reshape(sliceAxis(all, 1, i, i + 1), [batch]));
}

export function drawStream(draws: Draws, stream: Stream, batch: number, count: number): Tensor[] {
  return drawEach(streamKey(draws, stream), draws.firstExample, batch, count);
}

/** A uniform number in [0, 1) moved to [low, high). */
export const between = (unit: Tensor, low: number, high: number): Tensor => add(mul(unit, high - low), low);

/** A number an example, [batch], as [batch, 1, 1, 1]: for all values of its image. */
export const perImage = (values: Tensor): Tensor => reshape(values, [values.shape[0], 1, 1, 1]);
