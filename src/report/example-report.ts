import { Random } from '../base/index.ts';
import { Confusion, reliabilityBins } from '../metrics/index.ts';
import type { HistoryRow, ReportData, SplitScores } from './report-data.ts';

/** A grey JPEG of 8 x 8 pixels. */
export const GREY_JPEG = Buffer.from(
  '/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgICAgMCAgIDAwMDBAYEBAQEBAgGBgUGCQgKCgkICQkKDA8MCgsOCwkJDRENDg8QEBEQCgwSExIQEw8QEBD/wAALCAAIAAgBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAACf/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8AVN//2Q==',
  'base64',
);

export interface ExampleOptions {
  readonly classNames: readonly string[];
  readonly epochs: number;
  /** Epochs after the best one; training stopped early if there are any. */
  readonly after?: number;
  readonly images?: readonly Uint8Array[];
}

/** For tests: a report with made-up numbers of the shape that real runs have. */
export function exampleReport({ classNames, epochs, after = 0, images = [GREY_JPEG] }: ExampleOptions): ReportData {
  const random = new Random(5, 'report', classNames.length, epochs);
  const { confusion, probabilities, labels } = predictions(classNames.length, random);
  const bestEpoch = Math.max(1, epochs - after);
  const history = Array.from({ length: epochs }, (_, i) => historyRow(i + 1, bestEpoch, epochs, random));
  const pairs = confusion.confusedPairs(12);
  return {
    name: 'tf-flowers-cnn',
    created: new Date('2025-03-14T09:26:00Z'),
    split: 'validation',
    classNames,
    confusion: confusion.counts,
    loss: 0.6134,
    history,
    training: {
      plannedEpochs: after > 0 ? epochs + 20 : epochs,
      bestEpoch,
      stoppedEarly: after > 0,
      monitor: 'validation macro F1',
      seconds: 31 * epochs,
    },
    calibration: reliabilityBins({ probabilities, labels, classCount: classNames.length }),
    mistakes: pairs.map(({ label, predicted }, i) => ({
      id: `00${i}b4f7e1c`,
      label,
      predicted,
      probability: 0.99 - 0.03 * i,
      image: images[i % images.length],
      heat: i % 2 === 0 ? images[0] : undefined,
    })),
    confusedPhotos: pairs.slice(0, 3).map(({ label, predicted, count }, i) => ({
      label,
      predicted,
      count,
      photos: [
        { id: `11${i}b4f7e1c`, label, predicted, probability: 0.8, image: images[i % images.length], heat: images[0] },
      ],
    })),
    recipe:
      'model: cnn\nepochs: 40\nbatch: 64\noptimizer:\n  name: adamw # decoupled weight decay\n  weightDecay: 0.01\n',
    device: { platform: 'cpu', kind: 'cpu', plugin: 'cpu 0.112', replicas: 2, threads: 2, node: 'v24.1.0' },
    data: { name: 'tf_flowers, 192 × 192', images: { train: 2564, validation: confusion.total, test: 552 } },
    model: { name: 'cnn', parameters: 1_234_567, imageSize: [192, 192] },
    reproducibility: { seed: 7, command: 'sepal train recipes/tf-flowers-cnn.yaml --out runs/first', version: '0.1.0' },
  };
}

function predictions(classCount: number, random: Random) {
  const confusion = new Confusion(classCount);
  const labels: number[] = [];
  const probabilities: number[] = [];
  for (let label = 0; label < classCount; label++) {
    const skill = random.uniform(0.5, 0.98);
    for (let n = random.integer(40) + (classCount > 20 ? 10 : 90); n > 0; n--) {
      const offset = 1 + Math.floor(random.uniform() ** 2 * (classCount - 1));
      const predicted = random.uniform() < skill ? label : (label + offset) % classCount;
      const sure = random.uniform(0.6, 1);
      confusion.add(label, predicted);
      labels.push(label);
      for (let c = 0; c < classCount; c++) {
        probabilities.push(c === predicted ? sure : (1 - sure) / Math.max(1, classCount - 1));
      }
    }
  }
  return { confusion, labels, probabilities };
}

function historyRow(epoch: number, bestEpoch: number, epochs: number, random: Random): HistoryRow {
  const scores = (progress: number, noise: number): SplitScores => {
    const accuracy = Math.min(1, Math.max(0, 0.25 + 0.62 * progress + noise * random.normal()));
    const macroF1 = Math.max(0, accuracy - 0.02);
    const loss = 1.7 * (1 - progress) + 0.3 + noise * Math.abs(random.normal());
    return { loss, accuracy, macroPrecision: accuracy, macroRecall: macroF1, macroF1 };
  };
  const progress = 1 - Math.exp((-3.5 * epoch) / epochs);
  const overfit = Math.max(0, epoch - bestEpoch) / epochs;
  return {
    epoch,
    step: 40 * epoch,
    learningRate: (0.001 * (1 + Math.cos((Math.PI * (epoch - 1)) / epochs))) / 2,
    train: scores(progress * 1.06, 0.008),
    validation: scores(progress - overfit * 0.5, 0.01),
    seconds: 31,
    imagesPerSecond: 83 + random.normal(),
  };
}
