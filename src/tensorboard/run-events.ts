import { join } from 'node:path';
import { EventWriter } from './event-writer.ts';

/** Scores of one pass over a split. */
interface SplitScores {
  readonly loss: number;
  readonly accuracy: number;
  readonly macroPrecision: number;
  readonly macroRecall: number;
  readonly macroF1: number;
}

/** One epoch of a run, as its history has it. */
interface EpochRow {
  readonly step: number;
  readonly learningRate: number;
  readonly train: SplitScores;
  readonly validation: SplitScores;
  readonly imagesPerSecond: number;
}

/**
 * What a training run tells TensorBoard: for each epoch the scores of both splits under the same tags, as two runs that
 * TensorBoard lays over each other, with the learning rate, the throughput and the recipe.
 */
export class RunEvents implements AsyncDisposable {
  readonly #train: EventWriter;
  readonly #validation: EventWriter;

  private constructor(train: EventWriter, validation: EventWriter) {
    this.#train = train;
    this.#validation = validation;
  }

  /** Begins event files in the folders `train` and `validation`; `from` is the first step of a run that goes on. */
  static async open(folder: string, recipe: string, from = 0): Promise<RunEvents> {
    const train = await EventWriter.open(join(folder, 'train'), from);
    try {
      await train.writeText(from, 'recipe', recipe.replaceAll(/^/gm, '    '));
      return new RunEvents(train, await EventWriter.open(join(folder, 'validation'), from));
    } catch (error) {
      await train.close();
      throw error;
    }
  }

  async write({ step, learningRate, train, validation, imagesPerSecond }: EpochRow): Promise<void> {
    await this.#train.write(step, {
      ...tagged(train),
      learning_rate: learningRate,
      images_per_second: imagesPerSecond,
    });
    await this.#validation.write(step, tagged(validation));
  }

  async close(): Promise<void> {
    await this.#train.close();
    await this.#validation.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

const tagged = ({ loss, accuracy, macroPrecision, macroRecall, macroF1 }: SplitScores): Record<string, number> => ({
  loss,
  accuracy,
  macro_precision: macroPrecision,
  macro_recall: macroRecall,
  macro_f1: macroF1,
});
