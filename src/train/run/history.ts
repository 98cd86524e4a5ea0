import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { isSystemError, writeFile } from '../../base/index.ts';
import { RecipeError } from '../errors.ts';
import type { Scores } from '../evaluate.ts';

const scoresSchema = z.object({
  loss: z.number(),
  accuracy: z.number(),
  macroPrecision: z.number(),
  macroRecall: z.number(),
  macroF1: z.number(),
});

const rowSchema = z.object({
  /** Counted from 1. */
  epoch: z.int(),
  /** Steps done at its end. */
  step: z.int(),
  /** Of its last step. */
  learningRate: z.number(),
  /** Sums over the epoch, with augmentation and while the weights move. */
  train: scoresSchema,
  validation: scoresSchema,
  /** Steps that were left out because their numbers were not finite, where there were any. */
  skipped: z.int().optional(),
  /** Training and validation together. */
  seconds: z.number(),
  /** In training. */
  imagesPerSecond: z.number(),
});

/** Scores as they stand in the history; 0 to 1 but for the loss. */
export type SplitScores = z.output<typeof scoresSchema>;
/** One epoch of a run. */
export type HistoryRow = z.output<typeof rowSchema>;

export function splitScores({ loss, confusion }: Scores): SplitScores {
  const { accuracy, macroPrecision, macroRecall, macroF1 } = confusion;
  return { loss, accuracy, macroPrecision, macroRecall, macroF1 };
}

const FILE = 'history.jsonl';

/** Writes all rows, one JSON object a line. */
export async function writeHistory(folder: string, rows: readonly HistoryRow[]): Promise<void> {
  await writeFile(join(folder, FILE), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
}

/** The rows of a run so far; none where it has not finished an epoch. */
export async function readHistory(folder: string): Promise<HistoryRow[]> {
  const path = join(folder, FILE);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    // A checkpoint in place of a run folder has none either.
    if (isSystemError(error, 'ENOENT') || isSystemError(error, 'ENOTDIR')) return [];
    throw error;
  }
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line, i) => {
      try {
        return rowSchema.parse(JSON.parse(line));
      } catch (cause) {
        throw new RecipeError('HISTORY', `${path}: line ${i + 1} is no row of a history`, {
          hint: 'remove that line: the run goes on, and its report lacks that epoch',
          cause,
        });
      }
    });
}
