/** The recipe as it was trained, beside the checkpoints. */
export const RECIPE_FILE = 'recipe.yaml';

/** Names of the checkpoints in a run folder. */
export const BEST_FILE = 'best.safetensors';
/** The checkpoint that `--resume` goes on from. */
export const LAST_FILE = 'last.safetensors';

/** The temperature of the best weights. */
export const CALIBRATION_FILE = 'calibration.json';

/** Weights kept at the end of a period of a schedule with restarts, which make an ensemble of one run. */
export const snapshotFile = (epoch: number): string => `snapshot-${epoch}.safetensors`;
/** The last checkpoint but one, for the case that the last one is damaged. */
export const PREVIOUS_FILE = 'previous.safetensors';

/** Says which process writes into the folder. */
export const LOCK_FILE = 'train.lock';

/** What the step was given at which the loss stopped being a number. */
export const DIVERGED_FILE = 'diverged.json';
/** The state before it and its batch, to run it again. */
export const DIVERGED_STATE = 'diverged.safetensors';
/** Where hosts train together each keeps its rows of the batch; the first one has the state as well. */
export const divergedPart = (host: number): string => (host === 0 ? DIVERGED_STATE : `diverged-${host}.safetensors`);

/** Weights of one of the best epochs, where several are kept. */
export const epochFile = (epoch: number): string => `epoch-${String(epoch).padStart(4, '0')}.safetensors`;
