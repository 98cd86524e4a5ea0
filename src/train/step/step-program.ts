import type { Classifier, Model } from '../../models/index.ts';
import type { VariableSpec } from '../../nn/index.ts';
import type { TypesOf } from '../../runtime/index.ts';
import { freezing, headFreezing, type Freezing } from '../recipe/freeze.ts';
import { classWeightsOf } from './loss.ts';
import { makeOptimizer } from './optimizer.ts';
import { rateFactors } from './rates.ts';
import type { Recipe } from '../recipe/recipe.ts';
import { batchTypes, checkBatch, rowsPerReplica, stepInputTypes, trainStep } from './step.ts';
import { stateTypes, variableTypes, type StateSettings } from './train-state.ts';

type StepBody = ReturnType<typeof trainStep>;

/** A recipe's training step before it is compiled. */
export interface StepProgram {
  readonly name: string;
  readonly body: StepBody;
  readonly types: TypesOf<Parameters<StepBody>>;
  /** Which arguments a call uses up. */
  readonly donate: readonly number[];
  readonly form: StateSettings;
  /** What moves and what stays, of the whole model. */
  readonly freezing: Freezing;
  /** Frozen variables that the step takes as its last argument. */
  readonly fixed: readonly VariableSpec[];
}

/** What a step is made for besides the model and the recipe. */
export interface StepOptions {
  /** The part of the model that is trained on features. */
  readonly head?: Classifier;
  /** Of the training examples, from which balanced class weights follow. */
  readonly labels?: ArrayLike<number>;
}

/**
 * The training step of a model under a recipe or one of its phases.
 *
 * @throws UsageError or RecipeError for settings that don't fit the model, the replicas or the classes.
 */
export function stepProgram(
  model: Model,
  recipe: Omit<Recipe, 'phases'>,
  replicas: number,
  { head, labels }: StepOptions = {},
): StepProgram {
  const classifier = head ?? model;
  const augment = head === undefined ? recipe.augment : undefined;
  checkBatch({ ...recipe, augment }, replicas);
  const whole = freezing(model, recipe);
  const own = head === undefined ? whole : headFreezing(whole, head);
  const optimizer = makeOptimizer(recipe.optimizer);
  const form: StateSettings = { classes: model.classes, optimizer, freezing: own, ema: recipe.ema };
  return {
    name: `${classifier.name}_train`,
    body: trainStep({
      classifier,
      recipe,
      optimizer,
      freezing: own,
      classWeights: classWeightsOf(recipe.classWeights, model.classes, labels),
      rateFactors: rateFactors(model, recipe.rates),
      augment,
      replicas,
    }),
    types: [
      stateTypes(form),
      batchTypes(classifier, rowsPerReplica(recipe.batchSize, replicas)),
      stepInputTypes,
      variableTypes({ variables: own.fixed }),
    ],
    donate: [0],
    form,
    freezing: whole,
    fixed: own.fixed,
  };
}
