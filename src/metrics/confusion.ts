import { checkClass, checkClassCount, MetricsError } from './errors.ts';

/** Scores of one class. */
export interface ClassScores {
  readonly label: number;
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  /** Examples of this class. */
  readonly support: number;
  /** Examples that were taken for this class, rightly or not. */
  readonly predicted: number;
}

/** Examples of one class that were taken for one other. */
export interface ConfusedPair {
  readonly label: number;
  readonly predicted: number;
  readonly count: number;
  /** Share of the examples of class `label`, 0 to 1. */
  readonly share: number;
}

/**
 * Counts of (label, predicted class), and the scores that follow from them.
 *
 * Add every example of an epoch, then read the scores: the macro F1 of an epoch is not the mean of its batches' macro F1.
 * Scores are those of scikit-learn with `zero_division=0`: a score whose denominator is 0 is 0, and macro averages run
 * over the classes that occur among the labels or the predictions. With nothing counted every score is 0, never NaN.
 */
export class Confusion {
  readonly classCount: number;
  /** Counts in row-major order: `counts[label * classCount + predicted]`. */
  readonly counts: Float64Array;
  // Sums are kept as examples come, so that reading all scores of all classes is linear in the number of classes.
  readonly #support: Float64Array;
  readonly #predicted: Float64Array;

  constructor(classCount: number) {
    checkClassCount(classCount);
    this.classCount = classCount;
    this.counts = new Float64Array(classCount * classCount);
    this.#support = new Float64Array(classCount);
    this.#predicted = new Float64Array(classCount);
  }

  /** Counts one example. */
  add(label: number, predicted: number): void {
    checkClass(label, this.classCount, 'label');
    checkClass(predicted, this.classCount, 'predicted class');
    this.#count(label, predicted, 1);
  }

  /**
   * Adds a matrix of counts, row-major `[label][predicted]`, such as a device's or another `Confusion`'s.
   *
   * @throws MetricsError `COUNTS_SHAPE` or `COUNTS_VALUE`, having added nothing.
   */
  addCounts(counts: ArrayLike<number>): void {
    if (counts.length !== this.counts.length) {
      throw new MetricsError('COUNTS_SHAPE', 'confusion counts have the wrong size', {
        expected: `${this.counts.length} numbers (${this.classCount} x ${this.classCount})`,
        received: String(counts.length),
      });
    }
    for (let i = 0; i < counts.length; i++) {
      if (Number.isSafeInteger(counts[i]) && counts[i] >= 0) continue;
      const [label, predicted] = this.#position(i);
      throw new MetricsError('COUNTS_VALUE', `count of label ${label} taken for ${predicted} is no count`, {
        expected: 'a whole number of at least 0',
        received: String(counts[i]),
      });
    }
    for (let i = 0; i < counts.length; i++) if (counts[i] > 0) this.#count(...this.#position(i), counts[i]);
  }

  /** Number of examples. */
  get total(): number {
    return sum(this.#support);
  }

  get correct(): number {
    let correct = 0;
    for (let c = 0; c < this.classCount; c++) correct += this.#hits(c);
    return correct;
  }

  get accuracy(): number {
    return ratio(this.correct, this.total);
  }

  /** Of the examples taken for class `c`, the share that is. */
  precision(c: number): number {
    return ratio(this.#hits(c), this.predicted(c));
  }

  /** Of the examples of class `c`, the share that was found. */
  recall(c: number): number {
    return ratio(this.#hits(c), this.support(c));
  }

  /** Harmonic mean of precision and recall of class `c`. */
  f1(c: number): number {
    return ratio(2 * this.#hits(c), this.support(c) + this.predicted(c));
  }

  /** Number of examples of class `c`. */
  support(c: number): number {
    checkClass(c, this.classCount, 'class');
    return this.#support[c];
  }

  /** Number of examples taken for class `c`. */
  predicted(c: number): number {
    checkClass(c, this.classCount, 'class');
    return this.#predicted[c];
  }

  get macroPrecision(): number {
    return this.#macro((c) => this.precision(c));
  }

  get macroRecall(): number {
    return this.#macro((c) => this.recall(c));
  }

  get macroF1(): number {
    return this.#macro((c) => this.f1(c));
  }

  /** Mean of the classes' F1, weighted by their support. */
  get weightedF1(): number {
    let weighted = 0;
    for (let c = 0; c < this.classCount; c++) weighted += this.#support[c] * this.f1(c);
    return ratio(weighted, this.total);
  }

  /** Scores of every class, in class order. */
  classes(): ClassScores[] {
    return Array.from({ length: this.classCount }, (_, label) => ({
      label,
      precision: this.precision(label),
      recall: this.recall(label),
      f1: this.f1(label),
      support: this.support(label),
      predicted: this.predicted(label),
    }));
  }

  /** The pairs of classes mixed up most often, first the one with most examples. */
  confusedPairs(limit = Infinity): ConfusedPair[] {
    const pairs: ConfusedPair[] = [];
    for (const [i, count] of this.counts.entries()) {
      const [label, predicted] = this.#position(i);
      if (count > 0 && label !== predicted)
        pairs.push({ label, predicted, count, share: count / this.#support[label] });
    }
    return pairs.toSorted((a, b) => b.count - a.count || b.share - a.share).slice(0, limit);
  }

  #count(label: number, predicted: number, count: number): void {
    this.counts[label * this.classCount + predicted] += count;
    this.#support[label] += count;
    this.#predicted[predicted] += count;
  }

  #position(index: number): [label: number, predicted: number] {
    return [Math.floor(index / this.classCount), index % this.classCount];
  }

  #hits(c: number): number {
    return this.counts[c * this.classCount + c];
  }

  #macro(score: (c: number) => number): number {
    let total = 0;
    let present = 0;
    for (let c = 0; c < this.classCount; c++) {
      if (this.#support[c] + this.#predicted[c] === 0) continue;
      total += score(c);
      present++;
    }
    return ratio(total, present);
  }
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

function sum(values: Float64Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
