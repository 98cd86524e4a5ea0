import type { HostTensor } from '../../xla/index.ts';
import { kerasVariables, kerasName, type KerasVariable } from '../keras.ts';
import { findFamily } from '../registry.ts';
import {
  asRgb,
  featureOptions,
  headOptions,
  ofFloats,
  requireOptions,
  valueOf,
  withChannelsReversed,
  type ExportedModel,
  type ForeignWeights,
} from './exported-model.ts';
import { WeightsError } from './weights-error.ts';

/** A layer with variables, as a Keras model has it. */
export interface KerasExportLayer {
  /** `convnext_tiny_stem/convnext_tiny_stem_conv`: the layer's name behind that of the model that it is in. */
  readonly path: string;
  /** Its class in snake case, by which Keras 3 counts the layers in a file. */
  readonly kind: string;
  readonly tensors: readonly { readonly name: string; readonly tensor: HostTensor }[];
}

export interface KerasWeights extends ForeignWeights {
  /** In the model's order. */
  readonly layers: readonly KerasExportLayer[];
}

/**
 * A model's values as the layers of the model of the same name in keras.applications.
 *
 * @throws WeightsError `EXPORT_MODEL`, `EXPORT_OPTIONS`, `EXPORT_HEAD` for a model that Keras can't build.
 */
export function kerasWeights(exported: ExportedModel): KerasWeights {
  const { model } = exported;
  const architecture = kerasName(model.name);
  if (architecture === undefined) {
    throw new WeightsError('EXPORT_MODEL', `keras.applications has no ${model.name}`, {
      hint: 'choose another --format: onnx takes every model',
    });
  }
  // Keras takes any width (alpha).
  const { width: _width, ...options } = featureOptions(exported);
  requireOptions(exported, { ...options, ...headOptions(exported) }, 'Keras');

  const { normalizationLayer } = findFamily(model.name);
  const values = normalizationLayer === undefined ? exported : withNormalization(exported, normalizationLayer);
  const layers = Map.groupBy(kerasVariables(model), ({ path }) => path.slice(0, path.lastIndexOf('/')));
  return {
    architecture,
    preprocess: values.preprocess,
    layers: [...layers].map(([path, variables]) => ({
      path,
      kind: kindOf(variables),
      tensors: variables.map((variable) => ({ name: leafOf(variable), tensor: valueOf(values, variable) })),
    })),
  };
}

const leafOf = ({ path }: KerasVariable): string => path.slice(path.lastIndexOf('/') + 1);

/** The class of a layer, by the variables that it has. */
function kindOf(variables: readonly KerasVariable[]): string {
  const leaves = variables.map(leafOf);
  if (leaves.includes('moving_mean')) return 'batch_normalization';
  if (leaves.includes('count')) return 'normalization';
  if (leaves.includes('gamma')) return 'layer_normalization';
  if (leaves.includes('depthwise_kernel')) return 'separable_conv2d';
  if (leaves[0].startsWith('variable')) return 'layer_scale';
  const [{ shape }] = variables;
  if (shape.length === 2) return 'dense';
  return shape[3] === 1 && shape[2] > 1 ? 'depthwise_conv2d' : 'conv2d';
}

/** The model's preprocessing as the weights of Keras's own layer, which works on the scale of 0 to 1 and on RGB. */
function withNormalization(exported: ExportedModel, layer: string): ExportedModel {
  const { model, preprocess } = exported;
  const { mean, std } = asRgb(preprocess);
  const [first] = model.variables;
  const kernel = valueOf(exported, first);
  const row = (values: readonly number[]) => ofFloats(Float32Array.from(values), { shape: [values.length] });
  const values = new Map([
    ...exported.values,
    [first.path, preprocess.channels === 'bgr' ? withChannelsReversed(kernel) : kernel],
    [`${layer}/mean`, row(mean.map((value) => value / 255))],
    [`${layer}/variance`, row(std.map((value) => (value / 255) ** 2))],
    [`${layer}/count`, { shape: [], dtype: 'int32', data: Int32Array.of(0) } as const],
  ]);
  return { ...exported, values, preprocess: asRgb(preprocess) };
}
