import { z } from 'zod';
import type { VariableRole } from '../nn/index.ts';
import { add, div, expm1, minimum, mul, neg, sqrt, square, sub, sum, type Tensor } from '../xla/index.ts';

const weightDecay = z.number().min(0).default(0).describe('on kernels only: biases and norms are left out');
const beta2 = z.number().min(0).lt(1).default(0.999);
const epsilon = z.number().positive().default(1e-8);

/** Optimisers with their settings. */
export const optimizerSchema = z.discriminatedUnion('name', [
  z.strictObject({
    name: z.literal('sgd'),
    momentum: z.number().min(0).lt(1).default(0),
    nesterov: z.boolean().default(false),
    weightDecay,
  }),
  z.strictObject({ name: z.literal('adam'), beta1: z.number().min(0).lt(1).default(0.9), beta2, epsilon }),
  z.strictObject({
    name: z.literal('adamw'),
    beta1: z.number().min(0).lt(1).default(0.9),
    beta2,
    epsilon,
    weightDecay,
  }),
]);

export type OptimizerSettings = z.output<typeof optimizerSchema>;

/** What an optimiser is given for one variable. */
export interface UpdateArguments {
  readonly value: Tensor;
  readonly gradient: Tensor;
  readonly slots: Readonly<Record<string, Tensor>>;
  /** float32 scalar. */
  readonly learningRate: Tensor;
  /** Steps done including this one; float32 scalar. */
  readonly step: Tensor;
  readonly role: VariableRole;
}

export interface UpdateResult {
  readonly value: Tensor;
  readonly slots: Readonly<Record<string, Tensor>>;
}

/** A variable's new value and slots from its gradient; slots start at 0. */
export interface Optimizer {
  readonly slots: readonly string[];
  update(args: UpdateArguments): UpdateResult;
}

export function makeOptimizer(settings: OptimizerSettings): Optimizer {
  switch (settings.name) {
    case 'sgd':
      return sgd(settings);
    case 'adam':
      return adam({ ...settings, weightDecay: 0 });
    case 'adamw':
      return adam(settings);
    default:
      return settings satisfies never;
  }
}

/** Stochastic gradient descent; momentum as in PyTorch (the learning rate scales the momentum, not its parts). */
function sgd({ momentum, nesterov, weightDecay: decay }: Extract<OptimizerSettings, { name: 'sgd' }>): Optimizer {
  return {
    slots: momentum > 0 ? ['momentum'] : [],
    update({ value, gradient, slots, learningRate, role }): UpdateResult {
      const slope = decay > 0 && role === 'kernel' ? add(gradient, mul(value, decay)) : gradient;
      if (momentum === 0) return { value: sub(value, mul(slope, learningRate)), slots: {} };
      const moved = add(mul(slots.momentum, momentum), slope);
      const direction = nesterov ? add(slope, mul(moved, momentum)) : moved;
      return { value: sub(value, mul(direction, learningRate)), slots: { momentum: moved } };
    },
  };
}

type AdamSettings = Omit<Extract<OptimizerSettings, { name: 'adamw' }>, 'name'>;

/** Adam (Kingma and Ba 2015) with decoupled weight decay (Loshchilov and Hutter 2019). */
function adam({ beta1, beta2: second, epsilon: tiny, weightDecay: decay }: AdamSettings): Optimizer {
  return {
    slots: ['mean', 'variance'],
    update({ value, gradient, slots, learningRate, step, role }) {
      const mean = add(mul(slots.mean, beta1), mul(gradient, 1 - beta1));
      const variance = add(mul(slots.variance, second), mul(square(gradient), 1 - second));
      const meanHat = div(mean, oneMinusPower(beta1, step));
      const varianceHat = div(variance, oneMinusPower(second, step));
      const direction = div(meanHat, add(sqrt(varianceHat), tiny));
      const full = decay > 0 && role === 'kernel' ? add(direction, mul(value, decay)) : direction;
      return { value: sub(value, mul(full, learningRate)), slots: { mean, variance } };
    },
  };
}

/** 1 − beta^step; as beta is near 1, float32 would keep only half of its digits in the plain formula. */
const oneMinusPower = (beta: number, step: Tensor): Tensor => neg(expm1(mul(step, Math.log(beta))));

/** Gradients scaled down together so that their joint L2 norm is at most `limit` (Pascanu et al. 2013). */
export function clipByGlobalNorm(gradients: readonly Tensor[], limit: number): Tensor[] {
  const norm = sqrt(gradients.map((gradient) => sum(square(gradient))).reduce((a, b) => add(a, b)));
  const factor = minimum(div(limit, add(norm, 1e-12)), 1);
  return gradients.map((gradient) => mul(gradient, factor));
}
