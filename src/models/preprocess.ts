import { z } from 'zod';
import { constant, convert, div, reverse, sub, type DType, type Tensor } from '../xla/index.ts';
import { centerCrop } from './center-crop.ts';

/**
 * What a model does to RGB pixels 0..255 before its first layer: (x − mean) / std by channel.
 *
 * It belongs to the model and travels with its weights, so it can be neither forgotten nor applied twice.
 */
export interface Preprocess {
  /** In the order of `channels`, on the scale of 0 to 255. */
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
  readonly channels: 'rgb' | 'bgr';
  /** Share of the sides in the middle of a picture that predictions look at; the whole picture by default. */
  readonly centerCrop?: number;
}

// Far from any pixel's, and from what float32 can't hold.
const shift = z.number().min(-1e6).max(1e6);
const scale = z.number().min(1e-6).max(1e6);

/** What a file may say of its preprocessing. */
export const preprocessSchema: z.ZodType<Preprocess> = z.object({
  mean: z.tuple([shift, shift, shift]).readonly(),
  std: z.tuple([scale, scale, scale]).readonly(),
  channels: z.enum(['rgb', 'bgr']),
  centerCrop: z.number().min(0.25).max(1).optional(),
});

/** Pixels to −1..1. */
export const SYMMETRIC: Preprocess = { mean: [127.5, 127.5, 127.5], std: [127.5, 127.5, 127.5], channels: 'rgb' };
/** ImageNet's mean and standard deviation, as PyTorch's networks and most later ones have it. */
export const IMAGENET: Preprocess = {
  mean: [0.485 * 255, 0.456 * 255, 0.406 * 255],
  std: [0.229 * 255, 0.224 * 255, 0.225 * 255],
  channels: 'rgb',
};
/** Blue first and ImageNet's mean subtracted, as the Caffe networks of VGG and ResNet have it. */
export const CAFFE: Preprocess = { mean: [103.939, 116.779, 123.68], std: [1, 1, 1], channels: 'bgr' };

/** As `preprocess`, of whole pictures and not of parts that training chose: what predictions compute on. */
export function preprocessWhole(images: Tensor, settings: Preprocess, dtype?: DType): Tensor {
  const { centerCrop: share = 1 } = settings;
  return preprocess(share === 1 ? images : centerCrop(images, share), settings, dtype);
}

/** Images `[N, H, W, 3]` of RGB 0..255, of any dtype, as what the network computes on. */
export function preprocess(images: Tensor, { mean, std, channels }: Preprocess, dtype: DType = 'float32'): Tensor {
  const pixels = convert(images, 'float32');
  const ordered = channels === 'bgr' ? reverse(pixels, [3]) : pixels;
  const row = (values: readonly number[]) => constant(Float32Array.from(values), [3], 'float32');
  return convert(div(sub(ordered, row(mean)), row(std)), dtype);
}
