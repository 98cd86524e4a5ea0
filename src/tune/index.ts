export { TuneError } from './errors.ts';
export { parseRange, type Range } from './range.ts';
export { parseTune, SAMPLERS, tuneSchema, type Sampler, type TuneSettings } from './settings.ts';
export { describeValues, Space, valueText, type Values } from './space.ts';
export { bestEpoch, bestTrial, rankTrials, trialFolder, type Trial } from './trial.ts';
export { tune, type NewBest, type TuneEvent, type TuneOptions, type TuneResult } from './tune.ts';
export { TUNE_FILE } from './tune-file.ts';
