export { expectedCalibrationError, reliabilityBins, type ReliabilityBin } from './calibration.ts';
export { Confusion, type ClassScores, type ConfusedPair } from './confusion.ts';
export { MetricsError } from './errors.ts';
export { topKAccuracy, type LabelledProbabilities } from './probabilities.ts';
