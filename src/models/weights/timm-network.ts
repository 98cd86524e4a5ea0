import { z } from 'zod';
import { jsonText } from '../../base/index.ts';
import type { Preprocess } from '../preprocess.ts';

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
