import type { VariableSpec } from '../../nn/index.ts';
import type { HostTensor, TensorType } from '../../xla/index.ts';
import type { Preprocess } from '../preprocess.ts';
import { resolveModel, type Model } from '../registry.ts';
import { float32Of } from './stored-tensor.ts';
import { WeightsError } from './weights-error.ts';
import { FREE_OPTIONS } from './weights-source.ts';

/** A trained model on its way out of Sepal. */
export interface ExportedModel {
  readonly model: Model;
  /** float32, by the variable's path. */
  readonly values: ReadonlyMap<string, HostTensor>;
  /** What the weights expect of their pixels. */
  readonly preprocess: Preprocess;
  readonly classNames: readonly string[];
  /** Divides the logits before the probabilities, where one was fitted. */
  readonly temperature?: number;
  /** Licence of the weights that training began with, where there is one. */
  readonly licence?: string;
}

/** A model's trained values as another project's network has them. */
export interface ForeignWeights {
  /** The network's name there. */
  readonly architecture: string;
  readonly preprocess: Preprocess;
}

export function valueOf({ values }: ExportedModel, { path }: Pick<VariableSpec, 'path'>): HostTensor {
  const value = values.get(path);
  if (value === undefined) throw new WeightsError('WEIGHTS_MISSING', `the run has no values of ${path}`);
  return value;
}

export const ofFloats = (data: Float32Array, { shape }: Pick<TensorType, 'shape'>): HostTensor => ({
  shape,
  dtype: 'float32',
  data,
});

/** Whether a model is built with these options. */
export const hasOptions = ({ options }: Pick<Model, 'options'>, wanted: Readonly<Record<string, unknown>>): boolean =>
  Object.entries(wanted).every(([key, value]) => JSON.stringify(options[key]) === JSON.stringify(value));

/** @throws WeightsError `EXPORT_OPTIONS` where the network there is built otherwise than the model. */
export function requireOptions(
  { model }: ExportedModel,
  wanted: Readonly<Record<string, unknown>>,
  project: string,
): void {
  for (const [key, value] of Object.entries(wanted)) {
    if (hasOptions(model, { [key]: value })) continue;
    throw new WeightsError('EXPORT_OPTIONS', `${project}'s ${model.name} is built otherwise than this run's`, {
      expected: `${key}: ${JSON.stringify(value)}`,
      received: JSON.stringify(model.options[key]),
      hint: 'choose another --format: onnx takes every model',
    });
  }
}

/** Options that decide what a family's features compute, as the family has them by default. */
export function featureOptions({ model }: ExportedModel): Record<string, unknown> {
  const { options } = resolveModel({ name: model.name });
  return Object.fromEntries(Object.entries(options).filter(([key]) => !FREE_OPTIONS.includes(key)));
}

/** Options that decide what a family's own head computes: other projects build no other. */
export function headOptions({ model }: ExportedModel): Record<'pooling' | 'hidden', unknown> {
  const { pooling, hidden } = resolveModel({ name: model.name }).options;
  return { pooling, hidden };
}

/**
 * Batch norm takes a bias before it away again: (x + b) − mean is x − (mean − b). So a network without the bias is the
 * same with another mean.
 */
export function meanWithoutBias(exported: ExportedModel, bias: string, mean: string): HostTensor {
  const [biases, means] = [bias, mean].map((path) => valueOf(exported, { path }));
  const offsets = float32Of(biases);
  return ofFloats(
    float32Of(means).map((value, i) => value - offsets[i]),
    means,
  );
}

/** A first kernel [kh, kw, 3, outputs] for pixels whose channels come in the opposite order. */
export function withChannelsReversed(kernel: HostTensor): HostTensor {
  const data = float32Of(kernel);
  const [, , channels, outputs] = kernel.shape;
  const size = channels * outputs;
  return ofFloats(
    data.map((_, i) => {
      const within = i % size;
      const channel = Math.floor(within / outputs);
      return data[i - within + (channels - 1 - channel) * outputs + (within % outputs)];
    }),
    kernel,
  );
}

/** The same pixels, taken as RGB. */
export const asRgb = ({ mean, std, channels }: Preprocess): Preprocess =>
  channels === 'rgb'
    ? { mean, std, channels }
    : { mean: [mean[2], mean[1], mean[0]], std: [std[2], std[1], std[0]], channels: 'rgb' };
