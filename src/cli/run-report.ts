import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { encodeTiles, thumbnail, type Dataset } from '../data/index.ts';
import { fitTemperature, reliabilityBins } from '../metrics/index.ts';
import type { Model } from '../models/index.ts';
import { writeReport, type Mistake, type ReportData } from '../report/index.ts';
import type { Backend } from '../runtime/index.ts';
import { phasesOf, previewAugmentation, type Evaluation, type Recipe, type TrainResult } from '../train/index.ts';
import { sepalVersion } from './version.ts';

/** How many mistakes a report shows. */
const GALLERY = 24;

/** Width of the sheet of augmented images in pixels. */
const SHEET_WIDTH = 960;

const MONITOR_WORDS = {
  macroF1: 'validation macro F1',
  accuracy: 'validation accuracy',
  loss: 'validation loss',
} as const;

interface RunReport {
  readonly name: string;
  readonly out: string;
  readonly recipe: Recipe;
  readonly recipeText: string;
  readonly backend: Backend;
  readonly data: { readonly train: Dataset; readonly validation: Dataset };
  readonly result: TrainResult;
}

/** Writes `report.html` into a run folder. */
export async function writeRunReport({
  name,
  out,
  recipe,
  recipeText,
  backend,
  data,
  result,
}: RunReport): Promise<void> {
  // The phase in which the whole model is trained, where there are several.
  const last = phasesOf(recipe)[phasesOf(recipe).length - 1];
  const report: ReportData = {
    ...(await evaluationReport({
      name,
      backend,
      model: result.model,
      data: data.validation,
      evaluation: result.evaluation,
      seed: recipe.seed,
    })),
    split: 'validation',
    history: result.history,
    training: {
      plannedEpochs: recipe.epochs,
      bestEpoch: result.best.epoch,
      stoppedEarly: result.stoppedEarly,
      monitor: MONITOR_WORDS[recipe.monitor],
      seconds: result.seconds,
    },
    augmented: isAugmented(last)
      ? await encodeTiles(await previewAugmentation(backend, last, data.train), SHEET_WIDTH)
      : undefined,
    recipe: recipeText,
    data: { name: data.train.name, images: { train: data.train.count, validation: data.validation.count } },
  };
  await writeReport(report, join(out, 'report.html'));
}

const isAugmented = ({ augment }: Pick<Recipe, 'augment'>): boolean =>
  Object.values(augment).some((setting) => setting !== undefined && setting !== false);

interface EvaluationReport {
  readonly name: string;
  readonly backend: Backend;
  readonly model: Model;
  readonly data: Dataset;
  readonly evaluation: Evaluation;
  readonly seed: number;
}

/** What a report shows of one pass over a labelled split. */
export async function evaluationReport({
  name,
  backend,
  model,
  data,
  evaluation,
  seed,
}: EvaluationReport): Promise<ReportData> {
  const { probabilities, confusion, loss } = evaluation;
  const { plugin, platform } = backend;
  return {
    name,
    created: new Date(),
    split: data.name,
    classNames: data.classNames,
    confusion: confusion.counts,
    loss,
    history: [],
    calibration: reliabilityBins({ probabilities, labels: data.labels, classCount: model.classes }),
    temperature: fitTemperature({ probabilities, labels: data.labels, classCount: model.classes }),
    mistakes: await worstMistakes(data, probabilities, model.classes),
    device: {
      platform,
      kind: backend.devices[0].kind,
      plugin: `${backend.client.platformVersion}, PJRT ${plugin.apiVersion.major}.${plugin.apiVersion.minor}`,
      replicas: backend.replicas,
      threads: platform === 'cpu' ? availableParallelism() : undefined,
      node: process.version,
    },
    data: { name: data.name, images: { [data.name]: data.count } },
    model: { name: model.name, parameters: model.parameters.total, imageSize: [model.size.height, model.size.width] },
    reproducibility: { seed, command: commandLine(), version: sepalVersion() },
  };
}

/** The pictures whose wrong class got the greatest probability. */
async function worstMistakes(data: Dataset, probabilities: Float32Array, classes: number): Promise<Mistake[]> {
  const wrong = Array.from({ length: data.count }, (_, index) => {
    const row = probabilities.subarray(index * classes, (index + 1) * classes);
    const probability = Math.max(...row);
    return { index, label: data.labels[index], predicted: row.indexOf(probability), probability };
  }).filter(({ label, predicted }) => label !== predicted);
  const worst = wrong.toSorted((a, b) => b.probability - a.probability).slice(0, GALLERY);
  return Promise.all(
    worst.map(async ({ index, label, predicted, probability }) => ({
      id: data.ids[index],
      label,
      predicted,
      probability,
      image: await thumbnail(await data.encoded(index)),
    })),
  );
}

/** The command as a user would type it again. */
function commandLine(): string {
  const words = process.argv
    .slice(2)
    .map((word) => (/^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`));
  return ['sepal', ...words].join(' ');
}
