export { expectedCalibrationError, reliabilityBins, type ReliabilityBin } from './calibration.ts';
export { Confusion, type ClassScores, type ConfusedPair } from './confusion.ts';
export { MetricsError } from './errors.ts';
export { pickRows, topKAccuracy, type LabelledProbabilities } from './probabilities.ts';
export { combineProbabilities, decodedByAll, decodedExamples, MEANS, type Mean } from './ensemble.ts';
export { fitTemperature, logLoss, scaleByTemperature, type Calibration } from './temperature.ts';
export { dealByClass, heldOutMacroF1, searchWeights, type Members, type SearchResult } from './weight-search.ts';
export { greedyChoice } from './greedy-choice.ts';
export { suspiciousLabels, type SuspiciousLabel } from './suspicious-labels.ts';
