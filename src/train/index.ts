export { augmentSchema, changesImages, mixesPairs, type AugmentSettings } from './augment/index.ts';
export { readCheckpoint, tensorsOf, modelOf, type Checkpoint, type CheckpointInfo } from './run/checkpoint.ts';
export { CheckpointError, RecipeError, TrainingError } from './errors.ts';
export { ensembleOf, readEnsemble, runsOf, writeEnsemble, type EnsembleFile } from './run/ensemble-file.ts';
export { compileEvaluator, type Evaluation, type Evaluator, type Scores } from './evaluate.ts';
export { EvaluatorCache } from './evaluator-cache.ts';
export { FeatureCache } from './features/feature-cache.ts';
export { FROZEN_STATISTICS, type Freezing } from './recipe/freeze.ts';
export { inOrderOf } from './phase/in-order-of.ts';
export { checkBatches } from './phase/check-batches.ts';
export { phasesOf, type Phase } from './phase/phase.ts';
export { type PhaseSummary } from './phase/phase-run.ts';
export { readHistory, type HistoryRow, type SplitScores } from './run/history.ts';
export { makeOptimizer, optimizerSchema, type Optimizer, type OptimizerSettings } from './step/optimizer.ts';
export {
  MONITORS,
  parseRecipe,
  recipeSchema,
  REMATS,
  sign,
  type Monitor,
  type Recipe,
  type Remat,
} from './recipe/recipe.ts';
export { readRecipeFile, RecipeFile } from './recipe/recipe-file.ts';
export { setRecipeSetting } from './recipe/recipe-setting.ts';
export {
  augmentationProgram,
  evaluationProgram,
  featureProgram,
  trainingProgram,
  type RecipeProgram,
} from './programs.ts';
export { featureSplit, type FeatureCounts } from './features/feature-split.ts';
export {
  calibrate,
  calibrationText,
  readCalibration,
  writeCalibration,
  type RunCalibration,
} from './run/calibration-file.ts';
export { computeTypeOf, PRECISIONS, type Precision } from './step/precision.ts';
export { learningRate, scheduleSchema, type Schedule } from './step/schedule.ts';
export { modelRequest } from './start.ts';
export { hasCheckpoint, requireNoRun } from './run/last-checkpoint.ts';
export { BEST_FILE, epochFile, LAST_FILE, PREVIOUS_FILE, RECIPE_FILE } from './run/run-files.ts';
export { CHECKPOINT_EVERY } from './run/run-keeper.ts';
export { train, type TrainResult } from './train.ts';
export type { TrainEvent, TrainOptions } from './train-options.ts';
export { variableTypes, type Weights, type WeightsOf } from './step/train-state.ts';
export { previewAugmentation, type PreviewOptions } from './insight/preview.ts';
export {
  compileExplainedClassifier,
  explainRows,
  type Classified,
  type ExplainedClassifier,
  type Heat,
} from './insight/grad-cam.ts';
export { explainPictures, type AskedClass } from './insight/explain.ts';
export { layerStatistics, type LayerStatistics } from './insight/layer-statistics.ts';
export { compilePredictor, type Predictor, type PredictorOptions } from './predict.ts';
export {
  checkpointPath,
  loadTrainedModel,
  readTrainedModel,
  type StoredModel,
  type TrainedModel,
} from './run/run-weights.ts';
export { TTA, type Tta } from './tta.ts';
export { findLearningRate, type FoundRates, type FindRateOptions } from './find-rate.ts';
export { snapshotFile } from './run/run-files.ts';
export { dataDigest } from './run/data-digest.ts';
export { checkHosts, recipeSettings, type TrainingData } from './run/run-check.ts';
export { evenBatch } from './step/step.ts';
export { Ingredients } from './soup.ts';
export { diagnose, type Diagnosis } from './divergence/diagnosis.ts';
export { readDiverged, whatDiverged, type DivergedRun, type DivergedStep } from './divergence/diverged.ts';
export { DIVERGENCE_POLICIES, type DivergencePolicy } from './divergence/divergence.ts';
export type { LayerSoundness, Soundness } from './divergence/inspection.ts';
export { RunLock } from './run/run-lock.ts';
