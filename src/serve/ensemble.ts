import { UsageError } from '../base/index.ts';
import type { ImageSize } from '../data/index.ts';
import { combineProbabilities, scaleByTemperature } from '../metrics/index.ts';
import type { Backend } from '../runtime/index.ts';
import { ensembleOf, loadTrainedModel, readCalibration, runsOf, type EnsembleFile, type Heat } from '../train/index.ts';
import { meanOfGrids } from './heatmap.ts';
import { Member } from './member.ts';

/** How many of the likeliest classes an explanation shows. */
const EXPLAINED = 3;

/** What a batch is made of. */
export interface Query {
  /** RGB bytes at each of the ensemble's sizes. */
  readonly pixels: readonly Buffer[];
  /** Whether Grad-CAM maps are wanted. */
  readonly explain: boolean;
}

/** What an ensemble says of one picture. */
export interface Answer {
  /** By class; the mean over the members, at the ensemble's temperature. */
  readonly probabilities: Float32Array;
  /** Where the network looked for each of the likeliest classes, the likeliest first; empty unless wanted. */
  readonly explanations: readonly Explanation[];
}

/** Grad-CAM map of a class; 1 where the network looked most. */
export interface Explanation extends Heat {
  readonly class: number;
}

/** One network of an ensemble. */
interface Part {
  readonly member: Member;
  /** Number of the ensemble's member that it is one fold of. */
  readonly group: number;
  /** Its share of the whole. */
  readonly weight: number;
}

export interface EnsembleOptions {
  /** Whether the temperature that was fitted on validation counts. */
  readonly calibrated?: boolean;
  /** Called after each program: the model, the size of its batches, and the seconds it took. */
  readonly onCompiled?: (name: string, batchSize: number, seconds: number) => void;
}

/** One trained model or several that are averaged. */
export class Ensemble {
  readonly members: readonly Member[];
  /** How the members' probabilities are combined, as `sepal ensemble` chose it. */
  readonly settings: EnsembleFile;
  /** Divides the logarithms of the joined probabilities; 1 where nothing was fitted, or it is left out. */
  readonly temperature: number;
  readonly #parts: readonly Part[];
  readonly classNames: readonly string[];
  /** The different sizes that the members take, that of the first member first. */
  readonly sizes: readonly ImageSize[];

  private constructor(parts: readonly Part[], settings: EnsembleFile, temperature: number) {
    const members = parts.map(({ member }) => member);
    this.#parts = parts;
    this.settings = settings;
    this.temperature = temperature;
    this.members = members;
    this.classNames = members[0].classNames;
    this.sizes = [...new Map(members.map(({ size }) => [`${size.height}×${size.width}`, size])).values()];
  }

  /**
   * Loads the best weights of runs, or of an ensemble's file with the weights that it gives them, and compiles them for batches
   * of each size. A folder of folds is the mean of its folds.
   *
   * @throws CheckpointError for a run that can't be read, UsageError `CLASSES` where runs know different classes,
   * `ENSEMBLE_FILE`.
   */
  static async load(
    backend: Backend,
    runs: readonly string[],
    batchSizes: readonly number[],
    { calibrated = true, onCompiled = () => {} }: EnsembleOptions = {},
  ): Promise<Ensemble> {
    const settings = await ensembleOf(runs);
    const parts: Part[] = [];
    let temperature = calibrated ? settings.temperature : 1;
    try {
      for (const [group, { run: path, weight }] of settings.members.entries()) {
        const folds = runsOf(path);
        for (const run of folds) {
          const trained = await loadTrainedModel(backend, run);
          const member = new Member(backend, run, trained, Math.min(EXPLAINED, trained.model.classes));
          parts.push({ member, group, weight: weight / folds.length });
          requireSameClasses(parts[0].member, member);
          // A mean of runs is less sure than each of them, so theirs don't fit it. A file that doesn't count isn't read.
          const isAlone = runs.length === 1 && settings.members.length === 1 && folds.length === 1;
          if (calibrated && isAlone && temperature === 1) {
            temperature = (await readCalibration(trained.path, trained.info))?.temperature ?? 1;
          }
          for (const size of batchSizes) onCompiled(trained.model.name, size, await member.compile(size));
        }
      }
    } catch (error) {
      // The devices may go on to be used for something else.
      for (const { member } of parts) member.dispose();
      throw error;
    }
    return new Ensemble(parts, settings, temperature);
  }

  /** Compiles for batches of one more size. */
  async compile(batchSize: number): Promise<void> {
    for (const member of this.members) await member.compile(batchSize);
  }

  /** Answers up to `batchSize` queries, which must be one of the compiled sizes. */
  async answer(queries: readonly Query[], batchSize: number): Promise<Answer[]> {
    const results: Awaited<ReturnType<Member['classify']>>[] = [];
    try {
      for (const member of this.members) {
        const at = this.sizes.findIndex(
          ({ height, width }) => height === member.size.height && width === member.size.width,
        );
        results.push(
          await member.classify(
            queries.map(({ pixels }) => pixels[at]),
            batchSize,
          ),
        );
      }
      const probabilities = this.#join(
        results.map((result) => result.probabilities),
        queries.length,
      );
      const top = probabilities.map((row) => likeliest(row, EXPLAINED));
      if (!queries.some(({ explain }) => explain)) {
        return probabilities.map((row) => ({ probabilities: row, explanations: [] }));
      }
      const grids: Heat[][][] = [];
      for (const result of results) grids.push(await result.explain(top));
      const weights = this.#parts.map(({ weight }) => weight);
      return queries.map(({ explain }, row) => ({
        probabilities: probabilities[row],
        explanations: explain
          ? top[row].map((label, k) => ({
              class: label,
              ...meanOfGrids(
                grids.map((maps) => maps[row][k]),
                weights,
              ),
            }))
          : [],
      }));
    } finally {
      for (const result of results) result.dispose();
    }
  }

  /** Rows of the whole ensemble: folds are averaged first, then members by their weights, then the temperature counts. */
  #join(answers: readonly Float32Array[], rows: number): Float32Array[] {
    const classes = this.classNames.length;
    const whole = answers.map((answer) => answer.subarray(0, rows * classes));
    const { members, mean } = this.settings;
    const { temperature } = this;
    const groups = members.map((_, group) => {
      const folds = whole.filter((__, part) => this.#parts[part].group === group);
      return combineProbabilities(folds, folds.map(() => 1), classes); // prettier-ignore
    });
    const joined = combineProbabilities(groups, members.map(({ weight }) => weight), classes, mean); // prettier-ignore
    const scaled = temperature === 1 ? joined : scaleByTemperature(joined, classes, temperature);
    return Array.from({ length: rows }, (_, row) => scaled.subarray(row * classes, (row + 1) * classes));
  }

  /** Gives weights and programs back. */
  dispose(): void {
    for (const member of this.members) member.dispose();
  }
}

/** Class numbers by probability, the greatest first. */
export function likeliest(row: Float32Array, count: number): number[] {
  return [...row.keys()].toSorted((a, b) => row[b] - row[a]).slice(0, count);
}

function requireSameClasses(first: Member, { run, classNames }: Member): void {
  const same =
    first.classNames.length === classNames.length && first.classNames.every((name, i) => name === classNames[i]);
  if (same) return;
  throw new UsageError('CLASSES', `${run} knows other classes than ${first.run}, so they can't be averaged`, {
    expected: `${first.classNames.length} classes from "${first.classNames[0]}" to "${first.classNames.at(-1)}"`,
    received: `${classNames.length} classes from "${classNames[0]}" to "${classNames.at(-1)}"`,
  });
}
