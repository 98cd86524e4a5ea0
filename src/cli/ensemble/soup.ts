import { basename } from 'node:path';
import { treeLeaves } from '../../base/index.ts';
import { Confusion, dealByClass, decodedByAll, greedyChoice } from '../../metrics/index.ts';
import { isDeviceArray, type Backend } from '../../runtime/index.ts';
import type { Ingredients } from '../../train/index.ts';
import type { Context } from '../command.ts';
import { alignTo, requireLabels, RunPredictor, type MemberPredictions, type PredictOptions } from './member.ts';

/** What a soup is made of and reaches. */
export interface SoupSummary {
  readonly file: string;
  readonly kind: 'uniform' | 'greedy';
  /** Checkpoints whose weights are in the mean. */
  readonly of: readonly string[];
  /** How many there were to choose from. */
  readonly among: number;
  readonly macroF1: number;
  readonly accuracy: number;
  /** Macro F1 of soups that were chosen on other examples of the split; undefined where nothing was chosen. */
  readonly heldOut: number | undefined;
}

export interface SoupOptions extends PredictOptions {
  readonly soup: string;
  /** Only what makes the mean no worse on the split, the best one first. */
  readonly greedy?: boolean;
}

/** Parts that the examples are dealt into, to score a choice on examples that it was not made on. */
const PARTS = 5;

/** Averages the weights of runs, writes the mean, and scores it. `known` are the runs' own predictions, where each is one checkpoint. */
export async function makeSoup(
  backend: Backend,
  ingredients: Ingredients,
  known: readonly MemberPredictions[],
  options: SoupOptions,
  context: Context,
): Promise<SoupSummary> {
  const { files } = ingredients;
  const { soup: file, greedy = false, split } = options;
  await using predictor = await RunPredictor.open(backend, files[0], options, context);
  const said = new Map<string, MemberPredictions>();
  if (known.length === files.length && ingredients.isOneSize) {
    for (const [number, member] of known.entries()) said.set(String(number), member);
  }
  const predict = async (numbers: readonly number[]): Promise<MemberPredictions> => {
    const there = said.get(numbers.join());
    if (there !== undefined) return there;
    const { params, statistics } = ingredients.mean(numbers);
    const weights = await backend.replicateTree({ params, statistics });
    try {
      const predictions = alignTo(known[0], await predictor.predict(weights, `soup of ${numbers.length} on ${split}`));
      said.set(numbers.join(), predictions);
      return predictions;
    } finally {
      for (const array of treeLeaves(weights, isDeviceArray)) array.dispose();
    }
  };

  const all = [...files.keys()];
  const { labels, classNames } = known[0];
  requireLabels(known[0], split);
  const classes = classNames.length;
  // Of pictures that could not be decoded nothing can be scored.
  const whole = decodedByAll(
    known.map(({ probabilities }) => probabilities),
    classes,
  );
  const choose = async (examples: readonly number[]) =>
    greedyChoice(files.length, async (numbers) => scores(await predict(numbers), examples).macroF1);
  const chosen = greedy ? await choose(whole) : all;

  const heldOut = new Confusion(classes);
  const isChosen = greedy && files.length > 1;
  const part = dealByClass(
    whole.map((n) => labels[n]),
    classes,
    PARTS,
  );
  for (let held = 0; held < (isChosen ? PARTS : 0); held++) {
    const outside = whole.filter((_, i) => part[i] !== held);
    const inside = whole.filter((_, i) => part[i] === held);
    if (inside.length > 0) heldOut.addCounts(scores(await predict(await choose(outside)), inside).counts);
  }

  await ingredients.save(file, chosen);
  const { macroF1, accuracy } = scores(await predict(chosen), whole);
  const kind = greedy ? 'greedy' : 'uniform';
  const of = chosen.map((number) => files[number]);
  return { file, kind, of, among: files.length, macroF1, accuracy, heldOut: isChosen ? heldOut.macroF1 : undefined };
}

/** Counts over some of the examples. */
function scores({ probabilities, labels, classNames }: MemberPredictions, examples: readonly number[]): Confusion {
  const classes = classNames.length;
  const confusion = new Confusion(classes);
  for (const n of examples) {
    const row = probabilities.subarray(n * classes, (n + 1) * classes);
    confusion.add(labels[n], row.indexOf(Math.max(...row)));
  }
  return confusion;
}

/** A soup as lines under those of the ensemble. */
export function soupText(soup: SoupSummary, split: string): string {
  const { file, kind, of, among, macroF1, accuracy, heldOut } = soup;
  const what = kind === 'greedy' ? `the weights of ${of.length} of ${among}, chosen on ${split}` : `the weights of all ${among}`; // prettier-ignore
  return [
    `soup      macro F1 ${macroF1.toFixed(4)}, accuracy ${accuracy.toFixed(4)}: the mean of ${what}; ${file}`,
    ...(kind === 'greedy' ? [`          in it: ${names(of).join(', ')}`] : []),
    ...(heldOut === undefined
      ? []
      : [`held out  macro F1 ${heldOut.toFixed(4)}: each fifth of ${split} by a soup that was chosen on the others`]),
  ].join('\n');
}

/** The files' names, or their folders' where the files have all the same one. */
function names(files: readonly string[]): string[] {
  const own = files.map((file) => basename(file));
  if (new Set(own).size === own.length && own.length > 1) return own;
  return files.map((file) => file.split(/[\\/]/).slice(-2).join('/'));
}
