import { z } from 'zod';
import { dropout, heNormal, type Initializer, type Network } from '../nn/index.ts';
import { convert, div, max, maximum, mean, mul, pow, relu, reshape, stopGradient, type Tensor } from '../xla/index.ts';
import { linear } from './layers.ts';

const POOLINGS = ['average', 'max', 'gem', 'flatten'] as const;
type Pooling = (typeof POOLINGS)[number];

export interface HeadOptions {
  readonly pooling: Pooling;
  readonly hidden: readonly number[];
  readonly dropout: number;
}

/** Options of the layers behind the last feature map, with a family's own defaults. */
export const headOptions = (defaults: Partial<HeadOptions> = {}) => ({
  pooling: z
    .enum(POOLINGS)
    .default(defaults.pooling ?? 'average')
    .describe('what makes one vector of the feature map: global pooling, or all positions in a row'),
  hidden: z
    .array(z.int().min(1).max(65_536))
    .max(8)
    .default([...(defaults.hidden ?? [])])
    .describe('units of the dense layers before the classifier'),
  dropout: z
    .number()
    .min(0)
    .max(0.95)
    .default(defaults.dropout ?? 0)
    .describe('rate before the classifier, and after each hidden layer'),
});

/** The option of networks that drop whole residual branches in training, each the deeper the more often. */
export const stochasticDepthOption = (rate: number) =>
  z
    .number()
    .min(0)
    .max(0.95)
    .default(rate)
    .describe('rate at which the last residual branch is dropped; earlier ones less, down to 0');

export function pooling(kind: Pooling): Network {
  return (scope, x) => {
    switch (kind) {
      case 'average':
        return mean(x, { axes: [1, 2] });
      case 'max':
        return max(x, { axes: [1, 2] });
      case 'gem':
        return scope.in('gem', (inner) =>
          generalizedMean(x, inner.variable('p', [], 'scale', { kind: 'constant', value: 3 })),
        );
      case 'flatten':
        return reshape(x, [x.shape[0], -1]);
      default:
        return kind satisfies never;
    }
  };
}

/**
 * (mean of x^p)^(1/p): average pooling for p = 1, max pooling for p → ∞ (Radenović et al. 2018).
 *
 * Powers are taken of each channel's shares in its greatest value: those of a channel that is 0 everywhere would underflow from p = 6.4 on,
 * and the logarithm of their mean is in the gradient of p. The result doesn't depend on what is divided by.
 */
function generalizedMean(x: Tensor, p: Tensor): Tensor {
  const power = convert(p, x.dtype);
  const positive = maximum(x, 1e-6);
  const peak = stopGradient(max(positive, { axes: [1, 2], keepDims: true }));
  const shares = mean(pow(div(positive, peak), power), { axes: [1, 2] });
  return mul(pow(shares, div(1, power)), reshape(peak, shares.shape));
}

export interface ClassifierSettings extends Pick<HeadOptions, 'hidden' | 'dropout'> {
  readonly classes: number;
  readonly initializer?: Initializer;
  readonly name?: string;
}

/** Hidden layers `fc1`, `fc2`, … with ReLU and dropout, then the layer that gives the logits. */
export function classifier(settings: ClassifierSettings): Network {
  const { hidden, classes, initializer, name = 'predictions' } = settings;
  return (scope, features) => {
    let x = features;
    for (const [i, units] of hidden.entries()) {
      x = dropout(scope, relu(linear(scope, `fc${i + 1}`, x, { units, initializer: heNormal })), settings.dropout);
    }
    if (hidden.length === 0) x = dropout(scope, x, settings.dropout);
    return linear(scope, name, x, { units: classes, initializer });
  };
}
