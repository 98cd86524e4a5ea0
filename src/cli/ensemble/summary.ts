import { basename } from 'node:path';
import { formatTable } from '../../base/index.ts';
import {
  combineProbabilities,
  Confusion,
  fitTemperature,
  heldOutMacroF1,
  searchWeights,
  type Calibration,
  type Mean,
} from '../../metrics/index.ts';
import type { MemberPredictions } from './member.ts';

/** What is known of an ensemble on a labelled split. */
export interface EnsembleSummary {
  readonly mean: Mean;
  /** Whether the weights were searched on this split. */
  readonly searched: boolean;
  readonly members: readonly {
    readonly run: string;
    readonly weight: number;
    /** By itself. */
    readonly macroF1: number;
    readonly accuracy: number;
    /** What the others reach without it, with their own best weights where weights are searched. */
    readonly withoutIt: number | undefined;
  }[];
  readonly macroF1: number;
  readonly accuracy: number;
  /** Of weights that were searched on other examples of the split. */
  readonly heldOut: number | undefined;
  readonly calibration: Calibration;
  readonly probabilities: Float32Array;
  readonly confusion: Confusion;
}

/** Measures an ensemble, with the given weights or with the best ones that a search finds. */
export function summarize(
  members: readonly MemberPredictions[],
  mean: Mean,
  given: readonly number[] | undefined,
): EnsembleSummary {
  const [{ labels, classNames }] = members;
  const classCount = classNames.length;
  const all = members.map(({ probabilities }) => probabilities);
  const of = (probabilities: readonly Float32Array[]) => ({ probabilities, labels, classCount, mean });
  const scoreOf = (probabilities: readonly Float32Array[], weights: readonly number[]) =>
    confusionOf(combineProbabilities(probabilities, weights, classCount, mean), labels, classCount);

  const weights = given ?? searchWeights(of(all)).weights;
  const combined = combineProbabilities(all, weights, classCount, mean);
  const confusion = confusionOf(combined, labels, classCount);
  return {
    mean,
    searched: given === undefined,
    members: members.map(({ path, probabilities }, m) => {
      const alone = confusionOf(probabilities, labels, classCount);
      return {
        run: path,
        weight: weights[m],
        macroF1: alone.macroF1,
        accuracy: alone.accuracy,
        withoutIt: others(m),
      };
    }),
    macroF1: confusion.macroF1,
    accuracy: confusion.accuracy,
    heldOut: given === undefined && members.length > 1 ? heldOutMacroF1(of(all)) : undefined,
    calibration: fitTemperature({ probabilities: combined, labels, classCount }),
    probabilities: combined,
    confusion,
  };

  function others(m: number): number | undefined {
    const rest = all.filter((_, i) => i !== m);
    if (rest.length === 0) return undefined;
    if (given === undefined) return searchWeights(of(rest)).macroF1;
    const left = given.filter((_, i) => i !== m);
    return left.some((weight) => weight > 0) ? scoreOf(rest, left).macroF1 : undefined;
  }
}

export function confusionOf(probabilities: Float32Array, labels: ArrayLike<number>, classCount: number): Confusion {
  const confusion = new Confusion(classCount);
  for (let n = 0; n < labels.length; n++) {
    const row = probabilities.subarray(n * classCount, (n + 1) * classCount);
    confusion.add(labels[n], row.indexOf(Math.max(...row)));
  }
  return confusion;
}

const share = (value: number) => value.toFixed(4);

/** A summary as a table and the lines under it. */
export function summaryText(summary: EnsembleSummary, split: string): string {
  const { members, macroF1, accuracy, heldOut, calibration, searched, mean } = summary;
  const best = Math.max(...members.map((member) => member.macroF1));
  const rows = members.map((member) => [
    basename(member.run),
    member.weight.toFixed(3),
    share(member.macroF1),
    share(member.accuracy),
    member.withoutIt === undefined ? '' : share(member.withoutIt),
    member.withoutIt === undefined ? '' : signed(macroF1 - member.withoutIt),
  ]);
  const head = ['member', 'weight', 'macro F1', 'accuracy', 'F1 without it', 'it adds'];
  return [
    formatTable([head, ...rows], [1, 2, 3, 4, 5]),
    '',
    `ensemble  macro F1 ${share(macroF1)}, accuracy ${share(accuracy)} on ${split}, ${mean} mean` +
      (searched ? '; weights were searched on this split' : '; weights as given'),
    ...(heldOut === undefined
      ? []
      : [`held out  macro F1 ${share(heldOut)}: each fifth of ${split} by weights that were searched on the others`]),
    `best one  macro F1 ${share(best)}`,
    `calibration error ${share(calibration.errorBefore)}; at temperature ${calibration.temperature.toFixed(2)} ${share(calibration.errorAfter)}`,
  ].join('\n');
}

const signed = (value: number): string => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(4)}`;
