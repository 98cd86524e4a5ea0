import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { treeLeaves } from '../base/index.ts';
import { encodeTiles, type Dataset, type ImageSize } from '../data/index.ts';
import { decodedExamples, fitTemperature, reliabilityBins } from '../metrics/index.ts';
import type { Model } from '../models/index.ts';
import { writeReport, type ReportData } from '../report/index.ts';
import { isDeviceArray, type Backend } from '../runtime/index.ts';
import {
  changesImages,
  loadTrainedModel,
  phasesOf,
  previewAugmentation,
  type Evaluation,
  type Recipe,
  type TrainedModel,
  type TrainResult,
} from '../train/index.ts';
import { mistakesOf } from './mistakes.ts';
import { scoreName } from './score-name.ts';
import { shellWord } from './shell-word.ts';
import { sepalVersion } from './version.ts';

/** Width of the sheet of augmented images in pixels. */
const SHEET_WIDTH = 960;

interface RunReport {
  readonly name: string;
  readonly out: string;
  readonly recipe: Recipe;
  readonly recipeText: string;
  readonly backend: Backend;
  readonly data: { readonly train: Dataset; readonly validation: Dataset };
  readonly result: TrainResult;
  /** Whether validation images were trained on too. */
  readonly allLabelled?: boolean;
}

/** Writes `report.html` into a run folder. Of several hosts one does it, by itself: the others run none of its programs. */
export async function writeRunReport({
  name,
  out,
  recipe,
  recipeText,
  backend,
  data,
  result,
  allLabelled = false,
}: RunReport): Promise<void> {
  // The phase in which the whole model is trained, where there are several.
  const last = phasesOf(recipe)[phasesOf(recipe).length - 1];
  const { model, evaluation } = result;
  const report: ReportData = {
    ...(await withBestWeights(backend.own, out, async (weights) =>
      evaluationReport({
        name,
        backend,
        model,
        // The pictures are at hand in one size.
        weights: sameSize(model.size, data.validation.size) ? weights : undefined,
        data: data.validation,
        classNames: data.train.classNames,
        evaluation,
        seed: recipe.seed,
      }),
    )),
    split: 'validation',
    // On images that it was trained on any network may be as sure as it likes.
    ...(allLabelled ? { calibration: undefined, temperature: undefined } : {}),
    history: result.history,
    training: {
      plannedEpochs: recipe.epochs,
      bestEpoch: result.best.epoch,
      stoppedEarly: result.stoppedEarly,
      monitor: `validation ${scoreName(recipe.monitor)}`,
      seconds: result.seconds,
      onValidationToo: allLabelled,
    },
    augmented: isAugmented(last)
      ? await encodeTiles(await previewAugmentation(backend.own, last, data.train), SHEET_WIDTH)
      : undefined,
    recipe: recipeText,
    data: { name: data.train.name, images: { train: data.train.count, validation: data.validation.count } },
  };
  await writeReport(report, join(out, 'report.html'));
}

async function withBestWeights<T>(
  backend: Backend,
  out: string,
  use: (weights: TrainedModel['weights']) => Promise<T>,
): Promise<T> {
  const { weights } = await loadTrainedModel(backend, out);
  try {
    return await use(weights);
  } finally {
    for (const array of treeLeaves(weights, isDeviceArray)) array.dispose();
  }
}

const sameSize = (a: ImageSize, b: ImageSize): boolean => a.height === b.height && a.width === b.width;

const isAugmented = ({ augment }: Pick<Recipe, 'augment'>): boolean => changesImages(augment);

interface EvaluationReport {
  readonly name: string;
  readonly backend: Backend;
  readonly model: Model;
  /** What is evaluated, to show what spoke for its mistakes. */
  readonly weights?: TrainedModel['weights'];
  readonly data: Dataset;
  /** Of the model: a split without a list of names knows those up to its highest label. */
  readonly classNames: readonly string[];
  readonly evaluation: Evaluation;
  readonly seed: number;
}

/** What a report shows of one pass over a labelled split. */
export async function evaluationReport({
  name,
  backend,
  model,
  weights,
  data,
  classNames,
  evaluation,
  seed,
}: EvaluationReport): Promise<ReportData> {
  const { probabilities, confusion, loss } = evaluation;
  const { plugin, platform } = backend;
  const decoded = decodedExamples({ probabilities, labels: data.labels, classCount: model.classes });
  return {
    name,
    created: new Date(),
    split: data.name,
    classNames,
    confusion: confusion.counts,
    loss,
    history: [],
    calibration: reliabilityBins(decoded),
    temperature: fitTemperature(decoded),
    ...(await mistakesOf({
      backend: backend.own,
      trained: weights && { model, weights },
      data,
      probabilities,
      confusion,
    })),
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

/** The command as a user would type it again. */
export function commandLine(): string {
  return ['sepal', ...process.argv.slice(2).map(shellWord)].join(' ');
}
