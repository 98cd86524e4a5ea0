import { describeNetwork } from '../nn/index.ts';
import { findFamily, type Model } from './registry.ts';

/** The stages of a model's features, from the image on; freezing and learning rates go by them. */
export interface Stages {
  readonly count: number;
  /** Number of a variable's stage, from 1; undefined for the head's. */
  of(path: string): number | undefined;
}

/** Sorts a model's variables into its family's stages. A layer that is in none belongs to the one before it. */
export function stagesOf(model: Model): Stages {
  const { stage } = findFamily(model.name);
  const { height, width } = model.size;
  const images = { shape: [1, height, width, 3], dtype: 'float32' } as const;
  const stages = new Map<string, number>();
  let current = 1;
  for (const { path } of describeNetwork(model.parts.features, images).variables) {
    current = stage(path) ?? current;
    stages.set(path, current);
  }
  return { count: Math.max(1, ...stages.values()), of: (path) => stages.get(path) };
}
