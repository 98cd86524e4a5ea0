import { FORWARD_REDUCTIONS } from './cpu-reduce.ts';
import type { RewriteTable } from './rewrite.ts';

/** Forms of what oneDNN doesn't take, or is slower at, where XLA's own choice for the plain op is slow; for programs that only go forward. */
export const CPU_ONEDNN_REWRITES: RewriteTable = FORWARD_REDUCTIONS;
