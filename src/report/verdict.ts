import { formatCount, plural } from '../base/index.ts';
import type { Confusion } from '../metrics/index.ts';
import { percent, score } from './numbers.ts';
import type { ReportData } from './report-data.ts';

/** Points of accuracy between training and validation that are more than chance and augmentation explain. */
const OVERFIT_GAP = 0.1;

const TRAINED_ON = [
  'The validation images were trained on too, so no score on this page tells how good the model is.',
  'The last weights were kept. Images that it has not seen, such as a test split, would tell.',
];

/** What a reader should take away, in plain sentences. */
export function verdict(report: ReportData, confusion: Confusion): string[] {
  if (report.training?.onValidationToo === true) return [...TRAINED_ON, ...divergence(report)];
  return [...measured(report, confusion), ...trained(report)];
}

function measured({ split, classNames }: ReportData, confusion: Confusion): string[] {
  const { total, correct, accuracy } = confusion;
  if (total === 0) return [`The ${split} split holds no images, so nothing could be measured.`];
  const sentences = [
    `The model classifies ${formatCount(correct)} of ${plural(total, `${split} image`)} correctly, ${percent(accuracy)}.`,
  ];
  const present = confusion.classes().filter(({ support }) => support > 0);
  if (present.length < 2) return sentences;
  const frequent = present.reduce((a, b) => (b.support > a.support ? b : a));
  sentences.push(
    `Always answering “${classNames[frequent.label]}”, the most frequent class, would reach ${percent(frequent.support / total)}.`,
  );
  if (correct === total) return sentences;
  const worst = present.reduce((a, b) => (b.f1 < a.f1 ? b : a));
  const confused = confusion.confusedPairs().find(({ label }) => label === worst.label);
  const taken = confused === undefined ? '' : `, most often taken for “${classNames[confused.predicted]}”`;
  sentences.push(`It is weakest at “${classNames[worst.label]}” (F1 ${score(worst.f1)})${taken}.`);
  return sentences;
}

function divergence({ history }: ReportData): string[] {
  const diverged = history.find(
    ({ train, validation }) => !Number.isFinite(train.loss) || !Number.isFinite(validation.loss),
  );
  if (diverged === undefined) return [];
  return [`The loss stopped being a number in epoch ${diverged.epoch}: a lower learning rate may help.`];
}

function trained(report: ReportData): string[] {
  const { history, training } = report;
  const diverged = divergence(report);
  if (diverged.length > 0) return diverged;
  const best = history.find(({ epoch }) => epoch === training?.bestEpoch);
  if (training === undefined || best === undefined) return [];
  const sentences: string[] = [];
  const gap = best.train.accuracy - best.validation.accuracy;
  if (gap > OVERFIT_GAP) {
    sentences.push(
      `On the training images accuracy is ${(100 * gap).toFixed(0)} points higher: it overfits, and stronger augmentation or regularisation may help.`,
    );
  }
  const isLast = best === history[history.length - 1] && best.epoch === training.plannedEpochs;
  if (isLast && history.length > 1 && gap <= OVERFIT_GAP) {
    sentences.push('The last epoch was the best one, so longer training may help.');
  }
  return sentences;
}
