import { add, concatenate, convert, div, full, reverse, sliceAxis, transpose, type Tensor } from '../xla/index.ts';
import { place } from './augment/affine.ts';
import { moveBox, wholeImage } from './augment/crop.ts';

/** Sets of views of an image for test-time augmentation. */
export const TTA = ['none', 'flip', 'zoom', 'dihedral'] as const;
/** A set of views of an image. */
export type Tta = (typeof TTA)[number];

const mirrored = (images: Tensor): Tensor => reverse(images, [2]);

/** Images magnified about their middle. */
function zoomed(images: Tensor, by: number): Tensor {
  const [batch] = images.shape;
  const scalar = (value: number) => full([batch], value, 'float32');
  const box = moveBox(wholeImage(batch), scalar(by), scalar(0), scalar(0));
  return transpose(place(convert(images, 'float32'), { box, border: 'edge' }), [0, 1, 3, 2]);
}

/** The views of images `[N, H, W, C]`, the images themselves first. */
const VIEWS: Record<Tta, (images: Tensor) => readonly Tensor[]> = {
  none: (images) => [images],
  flip: (images) => [images, mirrored(images)],
  zoom: (images) => {
    const near = zoomed(images, 1.15);
    const pixels = convert(images, 'float32');
    return [pixels, mirrored(pixels), near, mirrored(near)];
  },
  dihedral: (images) => {
    const turned = transpose(images, [0, 2, 1, 3]);
    return [images, turned].flatMap((view) => [view, mirrored(view), reverse(view, [1]), reverse(view, [1, 2])]);
  },
};

/** Mean of the probabilities of all views, which go through the network as one batch. */
export function predictViews(images: Tensor, tta: Tta, predict: (images: Tensor) => Tensor): Tensor {
  const views = VIEWS[tta](images);
  if (views.length === 1) return predict(images);
  const [batch] = images.shape;
  const all = predict(concatenate(views, 0));
  const parts = views.map((_, i) => sliceAxis(all, 0, i * batch, (i + 1) * batch));
  return div(
    parts.reduce((a, b) => add(a, b)),
    views.length,
  );
}
