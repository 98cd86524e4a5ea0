import { join } from 'node:path';
import { modelOf, readCheckpoint, saveWeights, tensorsOf, type Checkpoint } from './checkpoint.ts';
import type { Progress } from '../epoch.ts';
import { CheckpointError } from '../errors.ts';
import { phasesOf } from '../phase/phase.ts';
import { BEST_FILE } from './run-files.ts';
import { variableTypes, weightsBy } from '../step/train-state.ts';

/** The best epoch of a run that goes on; `problem` is what is wrong with its weights, where they are damaged or gone. */
export async function findBest(
  out: string,
  { info }: Checkpoint,
): Promise<{ best: Progress['best']; problem?: CheckpointError }> {
  if (info.best === undefined) return { best: undefined };
  try {
    const { info: of } = await readCheckpoint(join(out, BEST_FILE));
    // Weights that are newer than the checkpoint belong to an epoch that is done again. Others know best which epoch they are of.
    return { best: of.epoch <= info.epoch ? of.best : info.best };
  } catch (problem) {
    if (problem instanceof CheckpointError) return { best: info.best, problem };
    throw problem;
  }
}

/**
 * The best epoch of a run whose best weights are lost: the last finished one, whose weights the last checkpoint has. In the middle of
 * an epoch there is none, and the epoch's end brings one.
 */
export function nextBest({ info }: Checkpoint, history: Progress['history']): Progress['best'] {
  const { epoch, step, phase, recipe, examples } = info;
  const stepsPerEpoch = Math.ceil(examples / phasesOf(recipe)[phase.index].batchSize);
  const row = history.find((each) => each.epoch === epoch);
  const isAtEnd = step - phase.step === (epoch - phase.epoch) * stepsPerEpoch;
  return row !== undefined && isAtEnd ? { epoch, score: row.validation[recipe.monitor] } : undefined;
}

/**
 * Writes the weights of a checkpoint as the best ones, or their moving averages where the recipe has them; nothing where there is no
 * `best`.
 */
export async function saveAsBest(out: string, checkpoint: Checkpoint, best: Progress['best']): Promise<void> {
  if (best === undefined) return;
  const { info, tensors } = checkpoint;
  const model = modelOf(checkpoint);
  const { params, statistics } = tensorsOf(checkpoint, variableTypes(model));
  const averaged = weightsBy(model.variables, ({ path }) => {
    const own = params[path] ?? statistics[path];
    return tensors.get(`ema/params/${path}`) ?? tensors.get(`ema/statistics/${path}`) ?? own;
  });
  await saveWeights(join(out, BEST_FILE), averaged, { ...info, best });
}
