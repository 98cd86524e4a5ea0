import type { WebAsset } from '../../assets/index.ts';
import type { Split } from '../locate.ts';
import { PETALS_CLASSES } from './class-names.ts';

/** A data set that its publisher offers on the web. */
export interface PublicSet {
  readonly name: string;
  readonly summary: string;
  readonly licence: string;
  /** Side of the pictures where none is asked for. */
  readonly size: number;
  readonly form: SetForm;
}

/** What is downloaded, and what becomes of it. */
export type SetForm =
  /** A tar archive with a folder of pictures for each class, in `folder`; split by the seed. */
  | { readonly kind: 'folders'; readonly archive: WebAsset; readonly folder: string }
  /** Oxford's: numbered pictures, and MATLAB files with their labels and splits. */
  | { readonly kind: 'oxford'; readonly archive: WebAsset; readonly labels: WebAsset; readonly splits: WebAsset }
  /** A competition's zip archive of TFRecords, which Kaggle gives to those who have accepted its rules. */
  | {
      readonly kind: 'kaggle';
      readonly competition: string;
      readonly sizes: readonly number[];
      readonly classNames: readonly string[];
      /** Records of each split: the archive has no published checksum. */
      readonly records: Readonly<Record<Split, number>>;
    };

const OXFORD = 'https://www.robots.ox.ac.uk/~vgg/data/flowers/102';

/** The checksums are those by which TensorFlow Datasets checks the same files. */
export const PUBLIC_SETS: readonly PublicSet[] = [
  {
    name: 'tf_flowers',
    summary: '3,670 photos of daisies, dandelions, roses, sunflowers, tulips',
    licence: 'CC-BY 2.0',
    size: 192,
    form: {
      kind: 'folders',
      folder: 'flower_photos',
      archive: {
        url: 'https://storage.googleapis.com/download.tensorflow.org/example_images/flower_photos.tgz',
        sha256: '4c54ace7911aaffe13a365c34f650e71dd5bf1be0a58b464e5a7183e3e595d9c',
        size: 228_813_984,
      },
    },
  },
  {
    name: 'oxford102',
    summary: '8,189 photos of 102 kinds of flowers, with the official splits (1,020 to train on, 6,149 to test)',
    licence: 'for research',
    size: 192,
    form: {
      kind: 'oxford',
      archive: {
        url: `${OXFORD}/102flowers.tgz`,
        sha256: '2d01ecc807db462958cfe3d92f57a8c252b4abd240eb955770201e45f783b246',
        size: 344_862_509,
      },
      labels: {
        url: `${OXFORD}/imagelabels.mat`,
        sha256: '4903e94206bac23bf772aadf06451916df56b58fc483a62db32a97b82656651d',
        size: 502,
      },
      splits: {
        url: `${OXFORD}/setid.mat`,
        sha256: '46b8678f91fd95d3c8f4feab80d271a6c834a1dd896fe29fd3e6ad9ce5c8dccd',
        size: 14_989,
      },
    },
  },
  {
    name: 'petals',
    summary:
      'Kaggle\'s "Petals to the Metal": 104 classes, 23,847 photos in TFRecords of four sizes; needs a Kaggle token',
    licence: "the competition's rules",
    size: 192,
    form: {
      kind: 'kaggle',
      competition: 'tpu-getting-started',
      sizes: [192, 224, 331, 512],
      classNames: PETALS_CLASSES,
      records: { train: 12_753, val: 3712, test: 7382 },
    },
  },
];
