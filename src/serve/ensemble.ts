import { UsageError } from '../base/index.ts';
import type { ImageSize } from '../data/index.ts';
import type { Backend } from '../runtime/index.ts';
import { loadTrainedModel } from '../train/index.ts';
import { meanOfGrids, type Grid } from './heatmap.ts';
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

export interface Answer {
  /** By class; the mean over the members. */
  readonly probabilities: Float32Array;
  /** Where the network looked for each of the likeliest classes, the likeliest first; empty unless wanted. */
  readonly explanations: readonly Explanation[];
}

export interface Explanation extends Grid {
  readonly class: number;
}

/** One trained model or several that are averaged. */
export class Ensemble {
  readonly members: readonly Member[];
  readonly classNames: readonly string[];
  /** The different sizes that the members take, that of the first member first. */
  readonly sizes: readonly ImageSize[];

  private constructor(members: readonly Member[]) {
    this.members = members;
    this.classNames = members[0].classNames;
    this.sizes = [...new Map(members.map(({ size }) => [`${size.height}×${size.width}`, size])).values()];
  }

  /**
   * Loads the best weights of runs and compiles them for batches of each size.
   *
   * @throws CheckpointError for a run that can't be read, UsageError `CLASSES` where runs know different classes.
   */
  static async load(
    backend: Backend,
    runs: readonly string[],
    batchSizes: readonly number[],
    onCompiled: (name: string, batchSize: number, seconds: number) => void = () => {},
  ): Promise<Ensemble> {
    const members: Member[] = [];
    for (const run of runs) {
      const trained = await loadTrainedModel(backend, run);
      requireSameClasses(members[0], run, trained.info.classNames);
      const explained = Math.min(EXPLAINED, trained.model.classes);
      const member = new Member(backend, run, trained, explained);
      for (const size of batchSizes) onCompiled(trained.model.name, size, await member.compile(size));
      members.push(member);
    }
    return new Ensemble(members);
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
      const probabilities = queries.map((_, row) => meanRow(results, row, this.classNames.length));
      const top = probabilities.map((row) => likeliest(row, EXPLAINED));
      if (!queries.some(({ explain }) => explain)) {
        return probabilities.map((row) => ({ probabilities: row, explanations: [] }));
      }
      const grids: Grid[][][] = [];
      for (const result of results) grids.push(await result.explain(top));
      return queries.map(({ explain }, row) => ({
        probabilities: probabilities[row],
        explanations: explain
          ? top[row].map((label, k) => ({ class: label, ...meanOfGrids(grids.map((maps) => maps[row][k])) }))
          : [],
      }));
    } finally {
      for (const result of results) result.dispose();
    }
  }

  dispose(): void {
    for (const member of this.members) member.dispose();
  }
}

/** Class numbers by probability, the greatest first. */
export function likeliest(row: Float32Array, count: number): number[] {
  return [...row.keys()].toSorted((a, b) => row[b] - row[a]).slice(0, count);
}

function meanRow(
  results: readonly { readonly probabilities: Float32Array }[],
  row: number,
  classes: number,
): Float32Array {
  const mean = new Float32Array(classes);
  for (const { probabilities } of results) {
    for (let i = 0; i < classes; i++) mean[i] += probabilities[row * classes + i] / results.length;
  }
  return mean;
}

function requireSameClasses(first: Member | undefined, run: string, classNames: readonly string[]): void {
  if (first === undefined) return;
  const same =
    first.classNames.length === classNames.length && first.classNames.every((name, i) => name === classNames[i]);
  if (same) return;
  throw new UsageError('CLASSES', `${run} knows other classes than ${first.run}, so they can't be averaged`, {
    expected: `${first.classNames.length} classes from "${first.classNames[0]}" to "${first.classNames.at(-1)}"`,
    received: `${classNames.length} classes from "${classNames[0]}" to "${classNames.at(-1)}"`,
  });
}
