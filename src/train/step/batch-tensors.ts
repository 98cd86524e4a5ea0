import type { Tensor } from '../../xla/index.ts';

/** One replica's part of a batch. */
export interface BatchTensors {
  /** What the classifier takes: RGB 0..255, uint8 [batch, height, width, 3], or the head's features, float32. */
  readonly images: Tensor;
  /** int32 [batch]. */
  readonly labels: Tensor;
  /** 1 for an example, 0 for padding; uint8 [batch]. */
  readonly mask: Tensor;
}
