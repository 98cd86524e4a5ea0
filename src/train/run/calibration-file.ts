import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { isSystemError, writeFile } from '../../base/index.ts';
import { decodedExamples, fitTemperature, type Calibration } from '../../metrics/index.ts';
import type { CheckpointInfo } from './checkpoint.ts';
import { CheckpointError } from '../errors.ts';
import { BEST_FILE, CALIBRATION_FILE } from './run-files.ts';

const schema = z.object({
  format: z.literal(1),
  /** Divides the logarithms of the probabilities. */
  temperature: z.number().positive(),
  /** What it was fitted on. */
  split: z.string(),
  images: z.int().positive(),
  /** Expected calibration error there without it and with it. */
  errorBefore: z.number(),
  errorAfter: z.number(),
  /** Steps that the weights were trained for: it says nothing of other weights. */
  step: z.int(),
});

/** How sure a run's best weights may be, as they were on images that it was not trained on. */
export type RunCalibration = Omit<z.output<typeof schema>, 'format'>;

/** Fits the temperature of a run's best weights to what they say of a labelled split; undefined for a split without a picture that has probabilities. */
export function calibrate(
  { step, classNames }: Pick<CheckpointInfo, 'step' | 'classNames'>,
  split: string,
  { probabilities, labels }: { readonly probabilities: Float32Array; readonly labels: ArrayLike<number> },
): RunCalibration | undefined {
  const decoded = decodedExamples({ probabilities, labels, classCount: classNames.length });
  const images = decoded.labels.length;
  if (images === 0) return undefined;
  const fitted: Calibration = fitTemperature(decoded);
  const { temperature, errorBefore, errorAfter } = fitted;
  return { temperature, split, images, errorBefore, errorAfter, step };
}

/** Writes a calibration beside its checkpoint. @throws CheckpointError `CALIBRATION` for one that is not a run's best. */
export async function writeCalibration(checkpoint: string, calibration: RunCalibration): Promise<void> {
  if (basename(checkpoint) !== BEST_FILE) {
    throw new CheckpointError('CALIBRATION', `a temperature is kept beside a run's ${BEST_FILE}`, {
      received: checkpoint,
      hint: 'give the run folder',
    });
  }
  const path = join(dirname(checkpoint), CALIBRATION_FILE);
  await writeFile(path, `${JSON.stringify({ format: 1, ...calibration }, null, 2)}\n`);
}

/**
 * What is known of a checkpoint; undefined where nothing is, or only of weights that it had before.
 *
 * @throws CheckpointError `CALIBRATION` where the file is something else.
 */
export async function readCalibration(
  checkpoint: string,
  { step }: Pick<CheckpointInfo, 'step'>,
): Promise<RunCalibration | undefined> {
  if (basename(checkpoint) !== BEST_FILE) return undefined;
  const path = join(dirname(checkpoint), CALIBRATION_FILE);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    if (isSystemError(cause, 'ENOENT')) return undefined;
    throw new CheckpointError('CALIBRATION', `${path} can't be read`, { cause });
  }
  try {
    const calibration = schema.parse(JSON.parse(text));
    return calibration.step === step ? calibration : undefined;
  } catch (cause) {
    throw new CheckpointError('CALIBRATION', `${path} is no calibration`, {
      hint: 'delete it, and fit a new one: sepal evaluate RUN --data DIR --calibrate',
      cause,
    });
  }
}

/** A line that says what is done to probabilities, and how to leave it out. */
export const calibrationText = ({ temperature, split, images }: RunCalibration): string =>
  `temperature ${temperature.toFixed(2)}, fitted on ${split} (${images} images); --no-calibration leaves it out`;
