import type { Command } from 'commander';
import type { FeatureNames } from '../data/index.ts';

/** Flags for data sets in a layout that Sepal doesn't know, or without class names beside them. */
export interface FeatureFlags {
  readonly classNames?: string;
  readonly imageFeature?: string;
  readonly labelFeature?: string;
  readonly idFeature?: string;
}

export function addFeatureFlags(command: Command): Command {
  return command
    .option('--class-names <file>', 'class names: one a line, or JSON (default: classes.txt beside the records)')
    .option('--image-feature <name>', 'feature with the encoded picture (default: found by its name)')
    .option('--label-feature <name>', 'feature with the class number')
    .option('--id-feature <name>', 'feature with the name of the picture');
}

export function featureNames({ imageFeature: image, labelFeature: label, idFeature: id }: FeatureFlags): FeatureNames {
  return { image, label, id };
}
