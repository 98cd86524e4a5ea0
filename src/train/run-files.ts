/** Names of the checkpoints in a run folder. */
export const BEST_FILE = 'best.safetensors';
export const LAST_FILE = 'last.safetensors';
