import type { RewriteTable } from './rewrite.ts';

/** Forms of ops that XLA compiles well for CPUs. */
export const CPU_REWRITES: RewriteTable = {};
