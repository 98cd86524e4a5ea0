import { checkProbabilities, type LabelledProbabilities } from './probabilities.ts';

/** An example whose label is contradicted by a model that has not seen it. */
export interface SuspiciousLabel {
  readonly example: number;
  readonly label: number;
  /** The class that it looks like. */
  readonly likely: number;
  /** Of the label, and of the class that it looks like. */
  readonly probability: number;
  readonly likelyProbability: number;
}

/**
 * Labels that are probably wrong, by confident learning (Northcutt et al. 2021): an example counts where another class has at least
 * the probability that examples of that class have on average, and more than its own. The most contradicted first.
 *
 * The probabilities must come from models that have not seen the examples, as those of a cross-validation.
 */
export function suspiciousLabels(data: LabelledProbabilities): SuspiciousLabel[] {
  checkProbabilities(data);
  const { probabilities, labels, classCount } = data;
  const sums = new Float64Array(classCount);
  const counts = new Float64Array(classCount);
  for (let n = 0; n < labels.length; n++) {
    sums[labels[n]] += probabilities[n * classCount + labels[n]];
    counts[labels[n]]++;
  }
  const usual = Float64Array.from(sums, (sum, c) => (counts[c] === 0 ? Infinity : sum / counts[c]));
  const found: SuspiciousLabel[] = [];
  for (let example = 0; example < labels.length; example++) {
    const label = labels[example];
    const of = (c: number) => probabilities[example * classCount + c];
    // Not simply the most probable class: that may be one of which the model is usually much surer.
    let likely = label;
    for (let c = 0; c < classCount; c++) if (of(c) >= usual[c] && of(c) > of(likely)) likely = c;
    if (likely === label) continue;
    found.push({ example, label, likely, probability: of(label), likelyProbability: of(likely) });
  }
  const contradiction = ({ probability, likelyProbability }: SuspiciousLabel) => likelyProbability - probability;
  return found.toSorted((a, b) => contradiction(b) - contradiction(a));
}
