/** Names of the checkpoints in a run folder. */
export const BEST_FILE = 'best.safetensors';
export const LAST_FILE = 'last.safetensors';

/** Weights kept at the end of a period of a schedule with restarts, which make an ensemble of one run. */
export const snapshotFile = (epoch: number): string => `snapshot-${epoch}.safetensors`;
