import { z } from 'zod';
import { uniformPerExample } from '../nn/index.ts';
import {
  abs,
  add,
  clamp,
  convert,
  div,
  dotGeneral,
  exp,
  full,
  iota,
  less,
  maximum,
  minimum,
  mul,
  reshape,
  sliceAxis,
  sqrt,
  sub,
  transpose,
  where,
  type Tensor,
} from '../xla/index.ts';

/** Random changes of training images; each image and step draws its own. */
export const augmentSchema = z.strictObject({
  flip: z.boolean().default(false).describe('mirror left and right with probability 1/2'),
  crop: z
    .strictObject({
      scale: z
        .tuple([z.number().positive().max(1), z.number().positive().max(1)])
        .refine(([least, greatest]) => least <= greatest, 'the least share first')
        .describe('least and greatest share of the area'),
      ratio: z
        .number()
        .min(1)
        .default(4 / 3)
        .describe('greatest ratio of width to height, and of height to width'),
    })
    .optional()
    .describe('cut a random box and scale it to the full size'),
});

export type AugmentSettings = z.output<typeof augmentSchema>;

interface Draws {
  readonly key: Tensor;
  /** Index of the replica's first example in the global batch. */
  readonly firstExample: Tensor;
}

/** Flipped and cropped images `[N, H, W, C]` of the same shape and dtype float32, from images of any dtype. */
export function augment(images: Tensor, { flip, crop }: AugmentSettings, { key, firstExample }: Draws): Tensor {
  const pixels = convert(images, 'float32');
  if (!flip && crop === undefined) return pixels;
  const [batch, height, width] = images.shape;
  const draws = uniformPerExample(key, firstExample, batch, [5]);
  const draw = (i: number) => reshape(sliceAxis(draws, 1, i, i + 1), [batch]);
  const box = crop === undefined ? wholeImage(batch) : randomBox(crop, draw);
  const rows = samplePositions(box.top, box.height, height);
  const columns = samplePositions(box.left, box.width, width);
  const mirrored = flip ? where(reshape(less(draw(4), 0.5), [batch, 1]), sub(width - 1, columns), columns) : columns;
  return resample(pixels, rows, mirrored);
}

/** A part of an image; all as shares of its height or width, [batch]. */
interface Box {
  readonly top: Tensor;
  readonly left: Tensor;
  readonly height: Tensor;
  readonly width: Tensor;
}

function wholeImage(batch: number): Box {
  const [zero, one] = [full([batch], 0, 'float32'), full([batch], 1, 'float32')];
  return { top: zero, left: zero, height: one, width: one };
}

/** A box of random area and ratio at a random place (Szegedy et al. 2015). */
function randomBox({ scale, ratio }: NonNullable<AugmentSettings['crop']>, draw: (i: number) => Tensor): Box {
  const area = add(mul(draw(2), scale[1] - scale[0]), scale[0]);
  const limit = Math.log(ratio);
  const shape = exp(sub(mul(draw(3), 2 * limit), limit));
  const height = minimum(sqrt(div(area, shape)), 1);
  const width = minimum(sqrt(mul(area, shape)), 1);
  return { top: mul(draw(0), sub(1, height)), left: mul(draw(1), sub(1, width)), height, width };
}

/** Where in the source each output row or column is taken from, in pixels; [batch, size]. */
function samplePositions(start: Tensor, extent: Tensor, size: number): Tensor {
  const [batch] = start.shape;
  // Scaled in this order, the whole image gives whole numbers: pixels that are not cropped stay as they are.
  const centre = add(iota([1, size], 'float32', 1), 0.5);
  const position = add(mul(reshape(start, [batch, 1]), size), mul(centre, reshape(extent, [batch, 1])));
  return clamp(sub(position, 0.5), 0, size - 1);
}

/** Bilinear interpolation as two products with sparse matrices, which every platform does fast. */
function resample(images: Tensor, rows: Tensor, columns: Tensor): Tensor {
  const [batch, height, width, channels] = images.shape;
  const vertical = dotGeneral(interpolation(rows, height), reshape(images, [batch, height, width * channels]), {
    batchLeft: [0],
    batchRight: [0],
    contractLeft: [2],
    contractRight: [1],
  });
  const horizontal = dotGeneral(reshape(vertical, [batch, height, width, channels]), interpolation(columns, width), {
    batchLeft: [0],
    batchRight: [0],
    contractLeft: [2],
    contractRight: [2],
  });
  return transpose(horizontal, [0, 1, 3, 2]);
}

/** Weight of each source position for each output position; [batch, outputs, size], at most two weights a row. */
function interpolation(positions: Tensor, size: number): Tensor {
  const [batch, outputs] = positions.shape;
  const source = iota([1, 1, size], 'float32', 2);
  return maximum(sub(1, abs(sub(reshape(positions, [batch, outputs, 1]), source))), 0);
}
