import { z } from 'zod';
import type { VariableRole } from '../../nn/index.ts';
import {
  add,
  and,
  div,
  expm1,
  greater,
  maximum,
  minimum,
  mul,
  neg,
  sign,
  sqrt,
  square,
  sub,
  sum,
  where,
  type Tensor,
} from '../../xla/index.ts';

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
  z.strictObject({
    name: z.literal('rmsprop'),
    decay: z.number().min(0).lt(1).default(0.9).describe('of the mean of squared gradients'),
    momentum: z.number().min(0).lt(1).default(0),
    centered: z.boolean().default(false).describe('divide by the standard deviation, not by the root mean square'),
    epsilon: z.number().positive().default(1e-7),
    weightDecay,
  }),
  z.strictObject({
    name: z.literal('lamb'),
    beta1: z.number().min(0).lt(1).default(0.9),
    beta2,
    epsilon: z.number().positive().default(1e-6),
    weightDecay,
  }),
  z.strictObject({
    name: z.literal('lion'),
    beta1: z.number().min(0).lt(1).default(0.9),
    beta2: z.number().min(0).lt(1).default(0.99),
    weightDecay,
  }),
]);

/** Optimiser of a recipe, with every setting filled in. */
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
  /**
   * Which of a slot's new and old value stays, by default the new one. What the variable gets must follow from what stays:
   * from both, XLA would keep the new one in memory of its own.
   */
  readonly keep?: (next: Tensor, before: Tensor) => Tensor;
}

const keepNext = (next: Tensor): Tensor => next;

export interface UpdateResult {
  readonly value: Tensor;
  readonly slots: Readonly<Record<string, Tensor>>;
}

/** A variable's new value and slots from its gradient; slots start at 0. */
export interface Optimizer {
  readonly slots: readonly string[];
  /** New values and slots of one variable. */
  update(args: UpdateArguments): UpdateResult;
}

/** The optimiser of these settings: pure functions of traced tensors. */
export function makeOptimizer(settings: OptimizerSettings): Optimizer {
  switch (settings.name) {
    case 'sgd':
      return sgd(settings);
    case 'adam':
      return adam({ ...settings, weightDecay: 0 });
    case 'adamw':
      return adam(settings);
    case 'rmsprop':
      return rmsprop(settings);
    case 'lamb':
      return lamb(settings);
    case 'lion':
      return lion(settings);
    default:
      return settings satisfies never;
  }
}

/** Stochastic gradient descent; momentum as in PyTorch (the learning rate scales the momentum, not its parts). */
function sgd({ momentum, nesterov, weightDecay: decay }: Extract<OptimizerSettings, { name: 'sgd' }>): Optimizer {
  return {
    slots: momentum > 0 ? ['momentum'] : [],
    update({ value, gradient, slots, learningRate, role, keep = keepNext }): UpdateResult {
      const slope = decay > 0 && role === 'kernel' ? add(gradient, mul(value, decay)) : gradient;
      if (momentum === 0) return { value: sub(value, mul(slope, learningRate)), slots: {} };
      const moved = keep(add(mul(slots.momentum, momentum), slope), slots.momentum);
      const direction = nesterov ? add(slope, mul(moved, momentum)) : moved;
      return { value: sub(value, mul(direction, learningRate)), slots: { momentum: moved } };
    },
  };
}

type AdamSettings = Omit<Extract<OptimizerSettings, { name: 'adamw' }>, 'name'>;

/** The direction of Adam, with the decay beside it, before the learning rate. */
function adamDirection(
  { beta1, beta2: second, epsilon: tiny, weightDecay: decay }: AdamSettings,
  { value, gradient, slots, step, role, keep = keepNext }: UpdateArguments,
): { direction: Tensor; slots: Readonly<Record<string, Tensor>> } {
  const mean = keep(add(mul(slots.mean, beta1), mul(gradient, 1 - beta1)), slots.mean);
  const variance = keep(add(mul(slots.variance, second), mul(square(gradient), 1 - second)), slots.variance);
  const meanHat = div(mean, oneMinusPower(beta1, step));
  const varianceHat = div(variance, oneMinusPower(second, step));
  const direction = div(meanHat, add(sqrt(varianceHat), tiny));
  return {
    direction: decay > 0 && role === 'kernel' ? add(direction, mul(value, decay)) : direction,
    slots: { mean, variance },
  };
}

/** Adam (Kingma and Ba 2015) with decoupled weight decay (Loshchilov and Hutter 2019). */
function adam(settings: AdamSettings): Optimizer {
  return {
    slots: ['mean', 'variance'],
    update(args) {
      const { direction, slots } = adamDirection(settings, args);
      return { value: sub(args.value, mul(direction, args.learningRate)), slots };
    },
  };
}

const lengthOf = (x: Tensor): Tensor => sqrt(sum(square(x)));

/** LAMB (You et al. 2020): Adam whose step in each variable has the size of the variable. */
function lamb(settings: AdamSettings): Optimizer {
  return {
    slots: ['mean', 'variance'],
    update(args) {
      const { value, learningRate } = args;
      const { direction, slots } = adamDirection(settings, args);
      const [size, length] = [lengthOf(value), lengthOf(direction)];
      const isKnown = and(greater(size, 0), greater(length, 0));
      const trust = where(isKnown, div(size, where(isKnown, length, 1)), 1);
      return { value: sub(value, mul(direction, mul(learningRate, trust))), slots };
    },
  };
}

/** Lion (Chen et al. 2023): steps of one size, in the direction of a mean's sign. */
function lion({ beta1, beta2: second, weightDecay: decay }: Extract<OptimizerSettings, { name: 'lion' }>): Optimizer {
  return {
    slots: ['mean'],
    update({ value, gradient, slots, learningRate, role, keep = keepNext }) {
      const direction = sign(add(mul(slots.mean, beta1), mul(gradient, 1 - beta1)));
      const full = decay > 0 && role === 'kernel' ? add(direction, mul(value, decay)) : direction;
      return {
        value: sub(value, mul(full, learningRate)),
        slots: { mean: keep(add(mul(slots.mean, second), mul(gradient, 1 - second)), slots.mean) },
      };
    },
  };
}

/** RMSprop (Hinton 2012) as in PyTorch: epsilon beside the root, momentum of what is divided already. */
function rmsprop(settings: Extract<OptimizerSettings, { name: 'rmsprop' }>): Optimizer {
  const { decay: rho, momentum, centered, epsilon: tiny, weightDecay: decay } = settings;
  return {
    slots: ['square', ...(centered ? ['mean'] : []), ...(momentum > 0 ? ['momentum'] : [])],
    update({ value, gradient, slots, learningRate, role, keep = keepNext }) {
      const slope = decay > 0 && role === 'kernel' ? add(gradient, mul(value, decay)) : gradient;
      const squares = keep(add(mul(slots.square, rho), mul(square(slope), 1 - rho)), slots.square);
      const mean = centered ? keep(add(mul(slots.mean, rho), mul(slope, 1 - rho)), slots.mean) : undefined;
      // What rounding leaves of a variance may lie below 0.
      const spread = mean === undefined ? squares : maximum(sub(squares, square(mean)), 0);
      const scaled = div(slope, add(sqrt(spread), tiny));
      const moved = momentum > 0 ? keep(add(mul(slots.momentum, momentum), scaled), slots.momentum) : undefined;
      return {
        value: sub(value, mul(moved ?? scaled, learningRate)),
        slots: {
          square: squares,
          ...(mean === undefined ? {} : { mean }),
          ...(moved === undefined ? {} : { momentum: moved }),
        },
      };
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
