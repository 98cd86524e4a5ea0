import { join } from 'node:path';
import { writeFile } from '../base/index.ts';
import type { DeviceBatch } from './device-batches.ts';
import { TrainingError } from './errors.ts';
import { DIVERGED_FILE } from './run-files.ts';

const HINT = 'lower the learning rate, lengthen the warm-up, or clip gradients (clipNorm)';

/** The step at which the loss stopped being a number. */
export interface DivergedStep {
  readonly step: number;
  readonly epoch: number;
  readonly loss: number;
  readonly learningRate: number;
}

/** Writes down what the step was given, for a look at it, and throws. @throws TrainingError `DIVERGED`. */
export async function tellDiverged(
  out: string,
  { loss, ...at }: DivergedStep,
  { indices, mask }: Pick<DeviceBatch, 'indices' | 'mask'>,
  ids: readonly string[],
): Promise<never> {
  const images = Array.from(indices, (index) => ids[index]).filter((_, row) => mask[row] === 1);
  await writeFile(join(out, DIVERGED_FILE), `${JSON.stringify({ ...at, loss: String(loss), images }, undefined, 2)}\n`);
  throw new TrainingError('DIVERGED', `the training loss is ${loss} at step ${at.step}, in epoch ${at.epoch}`, {
    hint: `${HINT}; ${DIVERGED_FILE} in the run folder lists the images of the step`,
  });
}

/** @throws TrainingError `DIVERGED` for a validation loss that is no number. */
export function requireFinite(loss: number, epoch: number): void {
  if (Number.isFinite(loss)) return;
  throw new TrainingError('DIVERGED', `the validation loss is ${loss} in epoch ${epoch}`, { hint: HINT });
}
