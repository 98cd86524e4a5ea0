import { isDeepStrictEqual } from 'node:util';
import {
  buildModel,
  CAFFE,
  familyOfKeras,
  IMAGENET,
  kerasVariables,
  SYMMETRIC,
  type Model,
  type Preprocess,
} from '../../src/models/index.ts';
import type { Backend } from '../../src/runtime/index.ts';
import type { Fixture } from './fixture.ts';
import {
  disposeInputs,
  inferenceForms,
  inferenceLogits,
  trainingPass,
  uploadInputs,
  type Inputs,
  type Precision,
  type TrainingPass,
} from './passes.ts';

/** Greatest `|ours − theirs| / max |theirs|` of logits and loss. */
const VALUE_TOLERANCE = 1e-3;
/** Greatest relative error of a gradient's norm, where it is above this part of the largest norm. */
export const GRADIENT_TOLERANCE = 1e-2;
const NEGLIGIBLE = 1e-6;
/** A few passes don't show the greatest error that rounding makes. */
const ROUNDING_MARGIN = 1.5;
const NUDGED_PASSES = 3;
/** However much rounding does, a norm that is further off is wrong. */
const MOST_TOLERANCE = 0.05;

/** `preprocess_input` of the modules of keras.applications. */
const PREPROCESS: Readonly<Record<string, Preprocess>> = {
  vgg16: CAFFE,
  vgg19: CAFFE,
  resnet: CAFFE,
  resnet50: CAFFE,
  resnet_v2: SYMMETRIC,
  xception: SYMMETRIC,
  mobilenet_v2: SYMMETRIC,
  densenet: IMAGENET,
  // Without weights the model's own normalisation layer has mean 0 and variance 1, behind a division by 255.
  efficientnet: { mean: [0, 0, 0], std: [255, 255, 255], channels: 'rgb' },
  convnext: IMAGENET,
};

export interface ParityResult {
  readonly model: string;
  readonly ok: boolean;
  /** Why nothing could be compared. */
  readonly problem?: string;
  /** Relative errors. */
  readonly inference: number;
  readonly training: number;
  readonly loss: number;
  readonly gradients: number;
  /** The variable whose gradient's norm is furthest off. */
  readonly worstGradient: string;
  /** What the training pass was computed in. */
  readonly precision: Precision;
  /** Greatest error allowed for a gradient. */
  readonly tolerance: number;
}

/** Runs our model on the fixture's weights and images, and compares. */
export async function checkFixture(backend: Backend, fixture: Fixture): Promise<ParityResult> {
  const failed = {
    inference: NaN,
    training: NaN,
    loss: NaN,
    gradients: NaN,
    worstGradient: '',
    precision: 'float32',
    tolerance: GRADIENT_TOLERANCE,
  } as const;
  const refuse = (problem: string): ParityResult => ({ model: fixture.model, ok: false, problem, ...failed });
  const model = buildForParity(fixture);
  if (model === undefined) return refuse('there is no such model');
  const pixels = PREPROCESS[fixture.preprocess];
  if (pixels === undefined) return refuse(`preprocessing "${fixture.preprocess}" is unknown`);
  const difference = compareVariables(model, fixture);
  if (difference !== undefined) return refuse(difference);

  const prepared = { ...model, preprocess: pixels };
  const inputs = await uploadInputs(backend, model, fixture);
  try {
    const errors: number[] = [];
    for (const form of inferenceForms(backend)) {
      const logits = await inferenceLogits(backend, prepared, inputs, form);
      const expected = Array.from({ length: form.copies ?? 1 }, () => fixture.inference_logits.flat()).flat();
      errors.push(relativeError(logits, expected));
    }
    const inference = Math.max(...errors);
    const training = await checkTraining(backend, prepared, inputs, fixture);
    return { model: fixture.model, ok: inference <= VALUE_TOLERANCE && isClose(training), inference, ...training };
  } finally {
    disposeInputs(inputs);
  }
}

/**
 * Each ReLU that rounding turns over changes the gradients, the more the deeper the network is. So where float32 is not enough, our
 * float64 is compared, which leaves Keras's rounding alone, and that may be as great as the rounding of our own float32 passes:
 * the gradients of ResNet152 by Keras are 3.4 % off by it, and 2.9 % off each other with and without oneDNN, while ours and
 * Keras's in float64 agree to 1.4e-7.
 */
async function checkTraining(
  backend: Backend,
  model: Model,
  inputs: Inputs,
  fixture: Fixture,
): Promise<TrainingErrors> {
  const single = await trainingPass(backend, model, inputs, 'float32');
  const errors: TrainingErrors = {
    ...compareTraining(single, fixture),
    precision: 'float32',
    tolerance: GRADIENT_TOLERANCE,
  };
  if (isClose(errors)) return errors;
  const double = await trainingPass(backend, model, inputs, 'float64');
  const exact: TrainingErrors = { ...errors, ...compareTraining(double, fixture), precision: 'float64' };
  if (isClose(exact)) return exact;
  const scatter = await roundingOf(backend, model, fixture, [single], double);
  return { ...exact, tolerance: Math.min(Math.max(GRADIENT_TOLERANCE, ROUNDING_MARGIN * scatter), MOST_TOLERANCE) };
}

/** How far rounding in float32 takes a gradient's norm: the furthest of the given passes and of some with nudged weights. */
async function roundingOf(
  backend: Backend,
  model: Model,
  fixture: Fixture,
  passes: readonly TrainingPass[],
  exact: TrainingPass,
): Promise<number> {
  const all = [...passes];
  for (let nudge = 1; nudge <= NUDGED_PASSES; nudge++) {
    const inputs = await uploadInputs(backend, model, fixture, nudge);
    try {
      all.push(await trainingPass(backend, model, inputs, 'float32'));
    } finally {
      disposeInputs(inputs);
    }
  }
  return Math.max(...all.map(({ norms }) => gradientError(exact.norms, norms).gradients));
}

/** The model without anything random in training. */
function buildForParity({ model: name, classes, size }: Fixture): Model | undefined {
  const family = familyOfKeras(name);
  if (family === undefined) return undefined;
  const request = { name: family.name, classes, size: { height: size, width: size } };
  const rates = ['dropout', 'stochasticDepth'].filter((option) => option in buildModel(request).options);
  return buildModel({ ...request, options: Object.fromEntries(rates.map((option) => [option, 0])) });
}

function compareVariables(model: Model, fixture: Fixture): string | undefined {
  const ours = kerasVariables(model);
  const at = fixture.variables.findIndex((variable, i) => !isDeepStrictEqual(variable, { ...ours[i] }));
  if (at !== -1)
    return `variable ${at} is ${JSON.stringify(ours[at])}, Keras has ${JSON.stringify(fixture.variables[at])}`;
  if (ours.length > fixture.variables.length) return `Keras has no variable ${ours[fixture.variables.length].path}`;
  const count = ours.reduce((total, { shape }) => total + shape.reduce((a, b) => a * b, 1), 0);
  return count === fixture.parameters ? undefined : `${count} parameters, Keras has ${fixture.parameters}`;
}

function relativeError(ours: readonly number[], theirs: readonly number[]): number {
  if (ours.length !== theirs.length) return NaN;
  const scale = Math.max(...theirs.map(Math.abs));
  return Math.max(...ours.map((value, i) => Math.abs(value - theirs[i]))) / scale;
}

type TrainingErrors = Omit<ParityResult, 'model' | 'ok' | 'problem' | 'inference'>;

const compareTraining = ({ logits, loss, norms }: TrainingPass, { training }: Fixture) => ({
  training: relativeError(logits, training.logits.flat()),
  loss: relativeError([loss], [training.loss]),
  ...gradientError(training.gradient_norms, norms),
});

/** NaN is not close. */
const isClose = ({ training, loss, gradients, tolerance }: TrainingErrors): boolean =>
  training <= VALUE_TOLERANCE && loss <= VALUE_TOLERANCE && gradients <= tolerance;

function gradientError(
  theirs: Readonly<Record<string, number>>,
  ours: Readonly<Record<string, number>>,
): { gradients: number; worstGradient: string } {
  const largest = Math.max(...Object.values(theirs));
  const errors = Object.entries(theirs)
    .filter(([, norm]) => norm > NEGLIGIBLE * largest)
    .map(([path, norm]) => ({ gradients: Math.abs(ours[path] - norm) / norm, worstGradient: path }));
  // A NaN counts as the worst.
  return errors.reduce((worst, one) => (one.gradients <= worst.gradients ? worst : one), {
    gradients: 0,
    worstGradient: '',
  });
}
