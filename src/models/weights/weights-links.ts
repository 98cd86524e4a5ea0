import type { WeightTag } from './weights-registry.ts';

const HUB = 'https://huggingface.co/timm';

interface Link {
  readonly models: RegExp;
  readonly tag: WeightTag;
  /** Where the file of a model is, from what the groups of `models` found in its name. */
  readonly url: (part: string) => string;
}

/** Public files for which no checksum is published: we say where they are, and leave it to the user to trust them. */
const LINKS: readonly Link[] = [
  {
    models: /^efficientnet-(b\d)$/,
    tag: 'noisy-student',
    url: (variant) => `${HUB}/tf_efficientnet_${variant}.ns_jft_in1k/resolve/main/model.safetensors`,
  },
  {
    models: /^efficientnet-(lite\d)$/,
    tag: 'imagenet',
    url: (variant) => `${HUB}/tf_efficientnet_${variant}.in1k/resolve/main/model.safetensors`,
  },
];

/** Where a public file of weights is that Sepal can't verify; undefined where we know of none. */
export function publicLink(model: string, tag: WeightTag): string | undefined {
  for (const { models, tag: known, url } of LINKS) {
    const part = models.exec(model)?.[1];
    if (known === tag && part !== undefined) return url(part);
  }
  return undefined;
}
