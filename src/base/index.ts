export { assert, InternalError, isSystemError, SepalError, UsageError, type ErrorDetails } from './errors.ts';
export { fillFile, writeError, writeFile } from './atomic-file.ts';
export { formatBytes, formatCount, formatSeconds, formatTable, plural } from './format.ts';
export { createLogger, silent, type Logger } from './log.ts';
export { didYouMean, nearest } from './nearest.ts';
export { startProgress, type Progress, type ProgressOptions } from './progress.ts';
export { Random } from './random.ts';
export { settingProblem, type SettingProblem } from './setting-problem.ts';
export { mapTree, treeLeaves, type IsLeaf, type MapLeaves, type Tree } from './tree.ts';
