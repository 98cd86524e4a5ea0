import { didYouMean, settingProblem, type SettingPlace } from '../base/index.ts';
import { declareVariables, isTrainable, type Network, type VariableSpec } from '../nn/index.ts';
import { elementCount, ShapeError } from '../xla/index.ts';
import { cnnFamily } from './cnn.ts';
import { CONVNEXT_FAMILIES } from './convnext.ts';
import { DENSENET_FAMILIES } from './densenet.ts';
import { EFFICIENTNET_LITE_FAMILIES } from './efficientnet-lite.ts';
import { EFFICIENTNET_FAMILIES } from './efficientnet.ts';
import type { Classifier } from './classifier.ts';
import { ModelError } from './errors.ts';
import { joinParts, type ModelFamily, type ModelParts } from './family.ts';
import { MOBILENET_V2_FAMILIES } from './mobilenet-v2.ts';
import { preprocess, preprocessWhole, type Preprocess } from './preprocess.ts';
import { RESNET_FAMILIES } from './resnet.ts';
import { VGG_FAMILIES } from './vgg.ts';
import { XCEPTION_FAMILIES } from './xception.ts';

/** Every architecture, by name. */
export const MODELS: readonly ModelFamily[] = [
  cnnFamily,
  ...VGG_FAMILIES,
  ...RESNET_FAMILIES,
  ...XCEPTION_FAMILIES,
  ...DENSENET_FAMILIES,
  ...MOBILENET_V2_FAMILIES,
  ...EFFICIENTNET_FAMILIES,
  ...EFFICIENTNET_LITE_FAMILIES,
  ...CONVNEXT_FAMILIES,
];

/** The architecture of this name. @throws ModelError with the nearest names. */
export function findFamily(name: string): ModelFamily {
  const family = MODELS.find((candidate) => candidate.name === name);
  if (family !== undefined) return family;
  const names = MODELS.map((candidate) => candidate.name);
  throw new ModelError('MODEL', `there is no model "${name}"`, { hint: didYouMean(name, names) });
}

/** Types that activations may have. */
export type ComputeType = 'float32' | 'bfloat16';

/** A network for a given input size and number of classes, with all its options filled in. */
export interface Model extends Classifier {
  readonly options: Readonly<Record<string, unknown>>;
  readonly size: { readonly height: number; readonly width: number };
  readonly preprocess: Preprocess;
  /** What layers compute in; variables are float32 all the same. */
  readonly computeType: ComputeType;
  /** What `network` runs one after the other. */
  readonly parts: ModelParts;
  /** Number of trainable and of all values. */
  readonly parameters: { readonly trainable: number; readonly total: number };
}

/** Which model `buildModel` builds. */
export interface ModelRequest {
  readonly name: string;
  readonly options?: Readonly<Record<string, unknown>>;
  readonly classes: number;
  readonly size: { readonly height: number; readonly width: number };
  /** float32 by default. */
  readonly computeType?: ComputeType;
  /** What the weights expect of their pixels, where that is not what the architecture's own do. */
  readonly preprocess?: Preprocess;
  /** Share of the sides in the middle of a picture that predictions look at, whatever `preprocess` says. */
  readonly centerCrop?: number;
}

/**
 * An architecture with its options filled in; `place` is where they stand, for messages.
 *
 * @throws ModelError for a name or an option that there is not.
 */
export function resolveModel(
  { name, options = {} }: Pick<ModelRequest, 'name' | 'options'>,
  place: SettingPlace = `options of ${name}`,
): { readonly family: ModelFamily; readonly options: Record<string, unknown> } {
  const family = findFamily(name);
  const parsed = family.options.safeParse(options);
  if (parsed.success) return { family, options: parsed.data as Record<string, unknown> };
  const { message, details } = settingProblem(family.options, options, parsed.error, place);
  throw new ModelError('MODEL_OPTIONS', message, details);
}

/** Builds a model. @throws ModelError for a name or an option that there is not, with the nearest ones. */
export function buildModel({
  name,
  options: given,
  classes,
  size,
  preprocess: givenPixels,
  centerCrop,
  computeType = 'float32',
}: ModelRequest): Model {
  const { family, options } = resolveModel({ name, options: given });
  const pixels = { ...(givenPixels ?? family.preprocess), ...(centerCrop === undefined ? {} : { centerCrop }) };
  const parts = family.build(options, classes);
  const network = joinParts(parts);
  const variables = declare(name, network, size);
  const count = (specs: readonly VariableSpec[]) => specs.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  return {
    name,
    options,
    classes,
    size,
    preprocess: pixels,
    computeType,
    input: { shape: [size.height, size.width, 3], dtype: 'uint8' },
    prepare: (images) => preprocess(images, pixels, computeType),
    prepareWhole: (images) => preprocessWhole(images, pixels, computeType),
    parts,
    network,
    variables,
    parameters: { trainable: count(variables.filter(isTrainable)), total: count(variables) },
  };
}

function declare(name: string, network: Network, { height, width }: Model['size']): VariableSpec[] {
  try {
    return declareVariables(network, { shape: [1, height, width, 3], dtype: 'float32' });
  } catch (cause) {
    if (!(cause instanceof ShapeError)) throw cause;
    throw new ModelError('MODEL_SIZE', `${name} can't take images of ${height}×${width}: ${cause.message}`, {
      hint: 'choose a larger size',
      cause,
    });
  }
}
