import { Confusion } from './confusion.ts';
import { combineProbabilities, termsOf, type Mean } from './ensemble.ts';
import { checkProbabilities, pickRows } from './probabilities.ts';

/** Several models' probabilities of the same labelled examples. */
export interface Members {
  /** Row-major `[example][class]`, one array a model. */
  readonly probabilities: readonly ArrayLike<number>[];
  readonly labels: ArrayLike<number>;
  readonly classCount: number;
  readonly mean: Mean;
}

/** The weights that a search has found, and what they reach. */
export interface SearchResult {
  /** They sum to 1. */
  readonly weights: readonly number[];
  readonly macroF1: number;
}

/** Rounds of the greedy choice, and steps of the moves after it. */
const ROUNDS = 40;
const STEPS = [0.2, 0.1, 0.05, 0.02, 0.01];

/**
 * The weights with the highest macro F1 that a search finds: greedy choice of members with replacement (Caruana et al.
 * 2004), then moves of weight between two members. It begins with the best member alone and takes only what is better,
 * so that its result is never worse than any member on these examples.
 */
export function searchWeights(members: Members): SearchResult {
  const { probabilities, labels, classCount, mean } = members;
  for (const member of probabilities) checkProbabilities({ probabilities: member, labels, classCount });
  const count = probabilities.length;
  const terms = probabilities.map((member) => termsOf(member, mean));
  const scoreOf = (weights: readonly number[]) => score(terms, weights, labels, classCount);

  let best = { weights: [] as readonly number[], score: WORST };
  const consider = (weights: readonly number[]): boolean => {
    const found = scoreOf(weights);
    if (!isBetter(found, best.score)) return false;
    best = { weights, score: found };
    return true;
  };
  for (let m = 0; m < count; m++) consider(terms.map((_, i) => (i === m ? 1 : 0)));

  // Each round takes the member that helps most (or hurts least): a way out of a local best.
  let chosen = [...best.weights];
  for (let round = 0; round < (count > 1 ? ROUNDS : 0); round++) {
    const next = terms.map((_, m) => chosen.map((weight, i) => (i === m ? weight + 1 : weight)));
    const scores = next.map(scoreOf);
    const top = scores.reduce((at, found, m) => (isBetter(found, scores[at]) ? m : at), 0);
    chosen = next[top];
    consider(normalized(chosen));
  }

  for (const step of STEPS) {
    let moved = true;
    while (moved) {
      moved = false;
      for (let from = 0; from < count; from++) {
        for (let to = 0; to < count; to++) {
          const amount = Math.min(step, best.weights[from]);
          if (from === to || amount < 1e-9) continue;
          const shifted = best.weights.map((w, i) => (i === from ? w - amount : i === to ? w + amount : w));
          if (consider(shifted)) moved = true;
        }
      }
    }
  }
  return { weights: normalized(best.weights), macroF1: best.score.macroF1 };
}

const normalized = (weights: readonly number[]): number[] => {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
};

interface Score {
  readonly macroF1: number;
  /** Mean of what the label's class is ahead of the best other one by: tells equals apart, and which way is up. */
  readonly margin: number;
}

const WORST: Score = { macroF1: -1, margin: -Infinity };

function isBetter(a: Score, b: Score): boolean {
  if (Math.abs(a.macroF1 - b.macroF1) > 1e-12) return a.macroF1 > b.macroF1;
  return a.margin > b.margin + 1e-9;
}

function score(
  terms: readonly Float64Array[],
  weights: readonly number[],
  labels: ArrayLike<number>,
  classCount: number,
): Score {
  const confusion = new Confusion(classCount);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const used = terms.flatMap((term, m) => (weights[m] > 0 ? [{ term, weight: weights[m] / total }] : []));
  const sums = new Float64Array(classCount);
  let margin = 0;
  for (let n = 0; n < labels.length; n++) {
    sums.fill(0);
    for (const { term, weight } of used) {
      for (let c = 0; c < classCount; c++) sums[c] += weight * term[n * classCount + c];
    }
    let top = 0;
    let other = -Infinity;
    for (let c = 0; c < classCount; c++) {
      if (sums[c] > sums[top]) top = c;
      if (c !== labels[n] && sums[c] > other) other = sums[c];
    }
    confusion.add(labels[n], top);
    // Cut off, or one example that all members get wrong would outweigh the others.
    if (classCount > 1) margin += Math.max(-1, Math.min(1, sums[labels[n]] - other));
  }
  return { macroF1: confusion.macroF1, margin: margin / Math.max(1, labels.length) };
}

/**
 * Macro F1 that searched weights reach on examples they were not searched on: the examples are dealt into `folds` parts,
 * class by class; each part is predicted by weights that were searched on the others.
 */
export function heldOutMacroF1(members: Members, folds = 5): number {
  const { labels, classCount, mean } = members;
  const fold = dealByClass(labels, classCount, folds);
  const confusion = new Confusion(classCount);
  for (let part = 0; part < folds; part++) {
    const inside = [...fold.keys()].filter((n) => fold[n] === part);
    if (inside.length === 0) continue;
    const outside = [...fold.keys()].filter((n) => fold[n] !== part);
    const { weights } = searchWeights(pick(members, outside));
    const held = pick(members, inside);
    const combined = combineProbabilities(held.probabilities, weights, classCount, mean);
    for (let n = 0; n < inside.length; n++) {
      const row = combined.subarray(n * classCount, (n + 1) * classCount);
      confusion.add(held.labels[n], row.indexOf(Math.max(...row)));
    }
  }
  return confusion.macroF1;
}

/** Which of `folds` parts each example belongs to: the examples of each class are dealt out in turn, and at last those of none. */
export function dealByClass(labels: ArrayLike<number>, classCount: number, folds: number): Uint32Array {
  // The next class goes on where the last one ended, so that small classes don't all fall to the first parts.
  const byClass: number[][] = Array.from({ length: classCount + 1 }, () => []);
  // Records whose label has no class keep their places where they are skipped.
  for (let n = 0; n < labels.length; n++) byClass[Math.min(labels[n], classCount)].push(n);
  const parts = new Uint32Array(labels.length);
  let next = 0;
  for (const examples of byClass) for (const n of examples) parts[n] = next++ % folds;
  return parts;
}

function pick({ probabilities, labels, ...rest }: Members, examples: readonly number[]): Members {
  const { classCount } = rest;
  return {
    ...rest,
    labels: examples.map((n) => labels[n]),
    probabilities: probabilities.map((member) => pickRows(member, examples, classCount)),
  };
}
