import type { LayerFigures } from './layers.ts';
import type { Calibration, ReliabilityBin } from '../metrics/index.ts';

/** Scores of one pass over a split; all but the loss are 0 to 1. */
export interface SplitScores {
  readonly loss: number;
  readonly accuracy: number;
  readonly macroPrecision: number;
  readonly macroRecall: number;
  readonly macroF1: number;
}

/** One epoch of training. */
export interface HistoryRow {
  /** Counts from 1. */
  readonly epoch: number;
  /** Steps done at the end of the epoch, since the start of the run. */
  readonly step: number;
  readonly learningRate: number;
  readonly train: SplitScores;
  readonly validation: SplitScores;
  /** Wall time of the epoch. */
  readonly seconds: number;
  readonly imagesPerSecond: number;
}

/** How a training run went. */
export interface TrainingSummary {
  /** Epochs the recipe asked for. */
  readonly plannedEpochs: number;
  /** The epoch whose weights were kept; counts from 1. */
  readonly bestEpoch: number;
  readonly stoppedEarly: boolean;
  /** What "best" means, in words: `validation macro F1`. */
  readonly monitor: string;
  /** Wall time of the whole run. */
  readonly seconds: number;
  /** Whether the validation images were trained on too: then the last weights were kept, and scores say nothing. */
  readonly onValidationToo?: boolean;
}

/** An image whose predicted class is wrong. */
export interface Mistake {
  readonly id: string;
  readonly label: number;
  readonly predicted: number;
  /** Probability of the predicted class, 0 to 1. */
  readonly probability: number;
  /** A JPEG or PNG file, best no wider than 320 pixels: it goes into the report as it is. */
  readonly image: Uint8Array;
  /** Where the model looked for the class it predicted: a PNG that is laid over the image's central square. */
  readonly heat?: Uint8Array;
}

/** Images of one class that were taken for one other, the surest first; some of `count`. */
export interface ConfusedPhotos {
  readonly label: number;
  readonly predicted: number;
  readonly count: number;
  readonly photos: readonly Mistake[];
}

/** Names and values, shown in the given order. */
export type Facts = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** Everything a report shows. Names, ids and settings may hold any text: the report escapes them. */
export interface ReportData {
  /** Name of the run. */
  readonly name: string;
  readonly created: Date;
  /** The split that was measured: `validation`. */
  readonly split: string;
  readonly classNames: readonly string[];
  /** Row-major `[label][predicted]`, counted over the whole split with the weights that were kept. */
  readonly confusion: ArrayLike<number>;
  /** Mean loss over the split with the weights that were kept. */
  readonly loss?: number;
  /** One row an epoch; empty for the report of an evaluation. */
  readonly history: readonly HistoryRow[];
  readonly training?: TrainingSummary;
  /** The learning rate step by step, where it is known more finely than by epoch. */
  readonly learningRates?: readonly { readonly step: number; readonly learningRate: number }[];
  readonly calibration?: readonly ReliabilityBin[];
  /** The temperature that makes probabilities agree best with what is right, and what it does. */
  readonly temperature?: Calibration;
  /** Training images as the model saw them: a JPEG or PNG, a row for each image, the first as it is stored. */
  readonly augmented?: Uint8Array;
  /** Worst first. */
  readonly mistakes: readonly Mistake[];
  /** The pairs of classes mixed up most often, with photos. */
  readonly confusedPhotos?: readonly ConfusedPhotos[];
  /** Activations and gradients by layer, from the input to the output. */
  readonly layers?: readonly LayerFigures[];
  /** The recipe's text, or its keys and values. */
  readonly recipe?: string | Facts;
  readonly device: {
    readonly platform: string;
    readonly kind: string;
    /** Plugin and version. */
    readonly plugin: string;
    readonly replicas: number;
    readonly threads?: number;
    /** Version of Node. */
    readonly node: string;
  };
  readonly data: {
    readonly name: string;
    /** Number of images in each split. */
    readonly images: Readonly<Record<string, number>>;
  };
  readonly model: {
    readonly name: string;
    readonly parameters: number;
    /** Height and width of the input in pixels. */
    readonly imageSize?: readonly [height: number, width: number];
  };
  readonly reproducibility: {
    readonly seed: number;
    readonly command: string;
    /** Version of Sepal. */
    readonly version: string;
  };
}
