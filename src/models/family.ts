import type { z } from 'zod';
import type { Network } from '../nn/index.ts';
import type { Preprocess } from './preprocess.ts';

/** A network in the three steps that transfer learning takes apart; each has the variables of its own layers. */
export interface ModelParts {
  /** From preprocessed images to a feature map [batch, height, width, channels]. */
  readonly features: Network;
  /** From the feature map to one vector an image, [batch, features]. */
  readonly pool: Network;
  /** From the vectors to logits [batch, classes]. */
  readonly classifier: Network;
}

/** An architecture with its options. */
export interface ModelFamily<Options extends z.ZodType = z.ZodType> {
  readonly name: string;
  readonly summary: string;
  /** Year of the paper. */
  readonly year?: number;
  /** Height and width it was made for; others work too. */
  readonly inputSize: number;
  readonly preprocess: Preprocess;
  /**
   * The Keras layer whose weights say what our `preprocess` does, where the Keras model has one: `mean` and `variance`
   * on the scale of 0 to 1, and a `count` that nothing reads. They come first in a Keras weight file.
   */
  readonly normalizationLayer?: string;
  readonly options: Options;
  /** The stage, from 1, that a variable of the features belongs to by its path; undefined: that of the variable before. */
  readonly stage: (path: string) => number | undefined;
  build(options: z.output<Options>, classes: number): ModelParts;
}

/** Stages by the number in the layers' names, which is the first group of `pattern`; `first` is that of the first stage. */
export function numbered(pattern: RegExp, first = 1): ModelFamily['stage'] {
  return (path) => {
    const match = pattern.exec(path);
    return match === null ? undefined : Number(match[1]) - first + 1;
  };
}

/** The whole network. */
export function joinParts({ features, pool, classifier }: ModelParts): Network {
  return (scope, images) => classifier(scope, pool(scope, features(scope, images)));
}
