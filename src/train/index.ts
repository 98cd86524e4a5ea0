export { augmentSchema, changesImages, type AugmentSettings } from './augment/index.ts';
export { readCheckpoint, tensorsOf, modelOf, type Checkpoint, type CheckpointInfo } from './checkpoint.ts';
export { CheckpointError, RecipeError, TrainingError } from './errors.ts';
export { ensembleOf, readEnsemble, runsOf, writeEnsemble, type EnsembleFile } from './ensemble-file.ts';
export { compileEvaluator, type Evaluation, type Evaluator, type Scores } from './evaluate.ts';
export { EvaluatorCache } from './evaluator-cache.ts';
export { FeatureCache } from './feature-cache.ts';
export { FROZEN_STATISTICS, type Freezing } from './freeze.ts';
export { phasesOf, type Phase } from './phase.ts';
export { type PhaseSummary } from './phase-run.ts';
export { readHistory, type HistoryRow, type SplitScores } from './history.ts';
export { makeOptimizer, optimizerSchema, type Optimizer, type OptimizerSettings } from './optimizer.ts';
export { MONITORS, parseRecipe, recipeSchema, REMATS, sign, type Monitor, type Recipe, type Remat } from './recipe.ts';
export { readRecipeFile, RecipeFile } from './recipe-file.ts';
export { setRecipeSetting } from './recipe-setting.ts';
export {
  augmentationProgram,
  evaluationProgram,
  featureProgram,
  trainingProgram,
  type RecipeProgram,
} from './programs.ts';
export { featureSplit, type FeatureCounts } from './feature-split.ts';
export {
  calibrate,
  calibrationText,
  readCalibration,
  writeCalibration,
  type RunCalibration,
} from './calibration-file.ts';
export { computeTypeOf, PRECISIONS, type Precision } from './precision.ts';
export { learningRate, scheduleSchema, type Schedule } from './schedule.ts';
export { modelRequest } from './start.ts';
export { hasCheckpoint, requireNoRun } from './last-checkpoint.ts';
export { BEST_FILE, epochFile, LAST_FILE, PREVIOUS_FILE, RECIPE_FILE } from './run-files.ts';
export { CHECKPOINT_EVERY } from './run-keeper.ts';
export { train, type TrainResult } from './train.ts';
export type { TrainEvent, TrainOptions } from './train-options.ts';
export { variableTypes, type Weights, type WeightsOf } from './train-state.ts';
export { previewAugmentation, type PreviewOptions } from './preview.ts';
export {
  compileExplainedClassifier,
  explainRows,
  type Classified,
  type ExplainedClassifier,
  type Heat,
} from './grad-cam.ts';
export { explainPictures, type AskedClass } from './explain.ts';
export { layerStatistics, type LayerStatistics } from './layer-statistics.ts';
export { compilePredictor, type Predictor, type PredictorOptions } from './predict.ts';
export {
  checkpointPath,
  loadTrainedModel,
  readTrainedModel,
  type StoredModel,
  type TrainedModel,
} from './run-weights.ts';
export { TTA, type Tta } from './tta.ts';
export { findLearningRate, type FoundRates, type FindRateOptions } from './find-rate.ts';
export { snapshotFile } from './run-files.ts';
export { dataDigest } from './data-digest.ts';
export { recipeSettings, type TrainingData } from './run-check.ts';
export { evenBatch, rowsPerReplica } from './step.ts';
export { Ingredients } from './soup.ts';
export { diagnose, type Diagnosis } from './diagnosis.ts';
export { readDiverged, whatDiverged, type DivergedRun, type DivergedStep } from './diverged.ts';
export { DIVERGENCE_POLICIES, type DivergencePolicy } from './divergence.ts';
export type { LayerSoundness, Soundness } from './inspection.ts';
export { RunLock } from './run-lock.ts';
