import { z } from 'zod';
import { jsonText } from '../../base/index.ts';
import type { Preprocess } from '../preprocess.ts';
import type { ExportedModel, ForeignWeights } from './exported-model.ts';

/** What weights are of, as timm describes it beside them. */
export interface TimmNetwork {
  readonly architecture: string;
  readonly preprocess: Preprocess;
}

const channels = (value: z.ZodNumber) => z.tuple([value, value, value]);
const pixelsSchema = z.object({ mean: channels(z.number()), std: channels(z.number().positive()) });
const networkSchema = jsonText.pipe(
  z.looseObject({ architecture: z.string(), pretrained_cfg: z.unknown().optional() }),
);

export const isJson = (text: string): boolean => jsonText.safeParse(text).success;

/** Reads a `config.json`; undefined for one that others than timm wrote. */
export function parseTimmConfig(text: string): TimmNetwork | undefined {
  const { data } = networkSchema.safeParse(text);
  if (data === undefined) return undefined;
  // Older ones have the settings of the weights among the others.
  const pixels = pixelsSchema.safeParse(data.pretrained_cfg ?? data).data;
  return pixels && { architecture: data.architecture, preprocess: preprocessOf(pixels) };
}

/** timm counts pixels from 0 to 1. */
function preprocessOf({ mean, std }: z.output<typeof pixelsSchema>): Preprocess {
  const scaled = ([red, green, blue]: typeof mean) => [red * 255, green * 255, blue * 255] as const;
  return { mean: scaled(mean), std: scaled(std), channels: 'rgb' };
}

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
