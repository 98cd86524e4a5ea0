import type { ExportedModel, ForeignWeights } from './exported-model.ts';

/** `config.json` as timm reads it from a model's folder or from Hugging Face's hub. */
export function timmConfig(
  { model, classNames, licence, preprocess: { centerCrop = 1 } }: ExportedModel,
  { architecture, preprocess }: ForeignWeights,
) {
  const { height, width } = model.size;
  return {
    architecture,
    num_classes: classNames.length,
    ...(model.options.pooling === 'max' ? { global_pool: 'max' } : {}),
    label_names: classNames,
    pretrained_cfg: {
      tag: 'sepal',
      input_size: [3, height, width],
      // VGG's size is fixed too, but timm passes one only to networks whose constructor takes it.
      fixed_input_size: false,
      // Images are cropped at their centre to the aspect ratio and resized with a Lanczos filter.
      interpolation: 'lanczos',
      crop_pct: centerCrop,
      crop_mode: 'center',
      mean: preprocess.mean.map((value) => value / 255),
      std: preprocess.std.map((value) => value / 255),
      num_classes: classNames.length,
      ...(licence === undefined ? {} : { license: licence }),
    },
  };
}
