import type { z } from 'zod';
import type { Network } from '../nn/index.ts';
import type { Preprocess } from './preprocess.ts';

/** A network in the three steps that transfer learning takes apart; each has the variables of its own layers. */
export interface ModelParts {
  /** From preprocessed images to a feature map [batch, height, width, channels]: all blocks, one after the other. */
  readonly features: Network;
  /** What `features` runs; between any two of them there is one tensor, so that the network can be taken apart there. */
  readonly blocks: readonly Network[];
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
  /** The parts of a network for so many classes. */
  build(options: z.output<Options>, classes: number): ModelParts;
}

/** Stages by the number in the layers' names, which is the first group of `pattern`; `first` is that of the first stage. */
export function numbered(pattern: RegExp, first = 1): ModelFamily['stage'] {
  return (path) => {
    const match = pattern.exec(path);
    return match === null ? undefined : Number(match[1]) - first + 1;
  };
}

/** Networks run one after the other. */
export const chain =
  (networks: readonly Network[]): Network =>
  (scope, x) =>
    networks.reduce((y, network) => network(scope, y), x);

/** The features of a model that is made of blocks, each of which may be rematerialised from its input. */
export function inBlocks(networks: readonly Network[]): Pick<ModelParts, 'features' | 'blocks'> {
  const blocks = networks.map((network): Network => {
    return (scope, x) => scope.block([x], network);
  });
  return { features: chain(blocks), blocks };
}

/** A classifier as it stands behind features: it drops parts of them in training, also where what gives them is frozen. */
export const asHead =
  (classifier: Network): Network =>
  (scope, features) => {
    scope.beginHead();
    return classifier(scope, features);
  };

/** The whole network. */
export const joinParts = ({ features, pool, classifier }: ModelParts): Network =>
  chain([features, pool, asHead(classifier)]);
