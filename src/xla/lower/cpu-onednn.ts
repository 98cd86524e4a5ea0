import { reduceByAxes, windowMaxApart, windowMaxByAxes, windowSumApart, windowSumByAxes } from './cpu-reduce.ts';
import { firstOf, type RewriteTable } from './rewrite.ts';

/** Forms of what oneDNN doesn't take, where XLA's own choice for the plain op is slow; for programs that only go forward. */
export const CPU_ONEDNN_REWRITES: RewriteTable = {
  reduce: reduceByAxes,
  windowMax: firstOf(windowMaxApart, windowMaxByAxes),
  windowSum: firstOf(windowSumApart, windowSumByAxes),
};
