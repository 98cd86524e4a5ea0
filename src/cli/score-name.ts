import type { Monitor } from '../train/index.ts';

const NAMES: Record<Monitor, string> = { macroF1: 'macro F1', accuracy: 'accuracy', loss: 'loss' };

/** What runs are compared by, in words. */
export const scoreName = (monitor: Monitor): string => NAMES[monitor];
