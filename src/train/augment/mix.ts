import {
  add,
  clamp,
  convert,
  less,
  mean,
  mul,
  reshape,
  reverse,
  sqrt,
  sub,
  where,
  type Tensor,
} from '../../xla/index.ts';
import { UsageError } from '../../base/index.ts';
import { lesserBeta } from './beta.ts';
import { drawStream, perImage, type Draws } from './draws.ts';
import { insideBox } from './erase.ts';
import { mixesPairs, type AugmentSettings } from './settings.ts';

/** Images of which each has a part of another one. */
export interface MixedExamples {
  readonly images: Tensor;
  /** Labels of the other images; [batch]. */
  readonly partners: Tensor;
  /** How much of each image is its own, at least a half; [batch]. */
  readonly share: Tensor;
}

/** @throws UsageError `BATCH_SIZE` for an odd number of rows a replica, where the settings mix pairs of them. */
export function requirePairs(rows: number, settings: Pick<AugmentSettings, 'mixup' | 'cutmix'>): void {
  if (!mixesPairs(settings) || rows % 2 === 0) return;
  throw new UsageError('BATCH_SIZE', 'mixup and CutMix pair the images of each replica', {
    expected: 'an even number of images a replica',
    received: `${rows} a replica`,
    hint: 'choose a batch size that is a multiple of twice the number of replicas',
  });
}

/**
 * Mixup (Zhang et al. 2018) and CutMix (Yun et al. 2019); with both, each image draws one of them.
 *
 * Partners are neighbours in the batch, 2i and 2i + 1: the order is random already, and they are on the same replica
 * however many there are, so that the result doesn't depend on it. Each image draws how much it keeps of itself, at least
 * half, so that its label stays the one that accuracy counts. Where `mask` is 0 the image is none, such as one that could not be
 * decoded, and its neighbour stays as it is.
 *
 * @returns undefined where the settings mix nothing.
 * @throws UsageError `BATCH_SIZE` for an odd number of rows a replica.
 */
export function mixExamples(
  images: Tensor,
  labels: Tensor,
  mask: Tensor,
  { mixup, cutmix }: AugmentSettings,
  draws: Draws,
): MixedExamples | undefined {
  if (mixup === undefined && cutmix === undefined) return undefined;
  const [batch, height, width] = images.shape;
  requirePairs(batch, { mixup, cutmix });
  const other = swapNeighbours(images);
  const [unit, coin, x, y] = drawStream(draws, 'mix', batch, 4);
  const hasPartner = swapNeighbours(mask);
  const blend = mixup === undefined ? undefined : mul(lesserBeta(unit, mixup), hasPartner);
  const blended = blend && { images: add(images, mul(sub(other, images), perImage(blend))), share: sub(1, blend) };
  const box = cutmix === undefined ? undefined : boxOf(mul(lesserBeta(unit, cutmix), hasPartner), x, y);
  const inside = box && reshape(insideBox(box, height, width), [batch, height, width, 1]);
  const cut = inside && {
    images: where(inside, other, images),
    // What lies beyond the border is no part of the box.
    share: sub(1, mean(convert(inside, 'float32'), { axes: [1, 2, 3] })),
  };
  const partners = swapNeighbours(labels);
  if (blended === undefined || cut === undefined) return { ...(blended ?? cut)!, partners };
  const isBlended = less(coin, 0.5);
  return {
    images: where(perImage(isBlended), blended.images, cut.images),
    share: where(isBlended, blended.share, cut.share),
    partners,
  };
}

/** A box of an area around a centre, all as shares [batch]. */
function boxOf(area: Tensor, x: Tensor, y: Tensor) {
  const side = sqrt(area);
  const start = (centre: Tensor) => sub(centre, mul(side, 0.5));
  const [left, top] = [start(x), start(y)];
  const within = (from: Tensor) => {
    const low = clamp(from, 0, 1);
    return { low, extent: sub(clamp(add(from, side), 0, 1), low) };
  };
  const [across, down] = [within(left), within(top)];
  return { left: across.low, width: across.extent, top: down.low, height: down.extent };
}

/** Rows 2i and 2i + 1 exchanged. */
function swapNeighbours(x: Tensor): Tensor {
  const [batch, ...rest] = x.shape;
  return reshape(reverse(reshape(x, [batch / 2, 2, ...rest]), [1]), x.shape);
}

/** Losses of mixed examples from those by their own labels and by their partners'; all [batch]. */
export function mixLosses(own: Tensor, partner: Tensor, share: Tensor): Tensor {
  return add(mul(own, share), mul(partner, sub(1, share)));
}
