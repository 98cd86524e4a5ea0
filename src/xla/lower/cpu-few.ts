import { CPU_REWRITES } from './cpu.ts';
import { FORWARD_REDUCTIONS } from './cpu-reduce.ts';
import type { RewriteTable } from './rewrite.ts';

/** Forms of ops in programs that only go forward, over so few pictures that a call of oneDNN costs more than what it gains. */
export const CPU_FEW_REWRITES: RewriteTable = { ...CPU_REWRITES, ...FORWARD_REDUCTIONS };
