import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { treeLeaves, writeFile } from '../../src/base/index.ts';
import { openDataset } from '../../src/data/index.ts';
import { isDeviceArray, type Backend } from '../../src/runtime/index.ts';
import { compileEvaluator, loadTrainedModel, parseRecipe, train, type Recipe } from '../../src/train/index.ts';
import { writeColouredDataset } from '../coloured-dataset.ts';
import { growthOf, type Growth } from './growth.ts';
import { soakPage } from './page.ts';
import { takeFigures, type Sample } from './sample.ts';

export interface SoakOptions {
  readonly backend: Backend;
  readonly minutes: number;
  /** Of one run of training; several follow each other in the same process. */
  readonly roundMinutes: number;
  /** Short runs before the time counts: the allocator keeps what a compilation took for the thread that it was on, of which there are several. */
  readonly warmUps?: number;
  /** Ends before the time is up, after so many runs. */
  readonly mostRounds?: number;
  /** Epochs that a run has at most. */
  readonly mostEpochs?: number;
  /** Where the runs, the samples and the page go. */
  readonly out: string;
  readonly onSample?: (sample: Sample) => void;
}

export interface SoakResult {
  readonly samples: readonly Sample[];
  readonly growth: readonly Growth[];
  readonly epochs: number;
  readonly rounds: number;
  /** Rounds after which something was left on the devices; empty where all was given back. */
  readonly left: readonly string[];
}

const SIZE = 32;
const BATCH = 16;
/** More than a round has time for: its end is a time. */
const MANY = 100_000;

const RECIPE = {
  model: { name: 'cnn', options: { depth: 2, width: 16 } },
  size: SIZE,
  batchSize: BATCH,
  seed: 1,
  optimizer: { name: 'adam' },
  schedule: { name: 'constant', rate: 0.001 },
  augment: { flip: true },
  ema: 0.9,
  syncBatchNorm: true,
  monitor: 'loss',
};

/** Seconds between checkpoints within an epoch: so that there are many. */
const CHECKPOINT_EVERY = 2;

/** Trains and evaluates again and again in one process, and watches what the process holds. */
export async function soak(options: SoakOptions): Promise<SoakResult> {
  const { backend, minutes, roundMinutes, warmUps = 0, mostRounds = Infinity, mostEpochs = MANY, out, onSample } = options; // prettier-ignore
  const recipe = parseRecipe({ ...RECIPE, epochs: mostEpochs }, 'soak');
  await mkdir(out, { recursive: true });
  const data = await writeColouredDataset(join(out, 'data'), {
    splits: { train: 192, val: 64 },
    size: SIZE,
    wrong: 0.1,
  });
  const short = parseRecipe({ ...RECIPE, epochs: 1 }, 'soak');
  for (let i = 0; i < warmUps; i++) {
    await trainAndEvaluate({ backend, recipe: short, data, out: join(out, `run-${i % 2}`), length: MANY, onEpoch: () => {} }); // prettier-ignore
  }
  const began = performance.now();
  const seconds = () => (performance.now() - began) / 1000;
  const samples: Sample[] = [];
  const left: string[] = [];
  const take = (round: number, epoch?: number) => {
    const sample = { seconds: seconds(), round, epoch, figures: takeFigures(backend) };
    samples.push(sample);
    onSample?.(sample);
    return sample;
  };
  const idle = take(-1).figures.liveBuffers;
  let round = 0;
  while (seconds() < 60 * minutes && round < mostRounds) {
    const length = Math.min(60 * roundMinutes, 60 * minutes - seconds());
    await trainAndEvaluate({ backend, recipe, data, out: join(out, `run-${round % 2}`), length, onEpoch: (epoch) => take(round, epoch) }); // prettier-ignore
    const { liveBuffers } = take(round).figures;
    if (liveBuffers !== idle) left.push(`round ${round + 1} left ${liveBuffers - idle} buffers`);
    round++;
  }
  const growth = growthOf(samples);
  const epochs = samples.filter(({ epoch }) => epoch !== undefined).length;
  await writeFile(join(out, 'samples.jsonl'), samples.map((sample) => `${JSON.stringify(sample)}\n`).join(''));
  await writeFile(join(out, 'soak.html'), soakPage({ samples, growth, rounds: round, device: backend.describe() }));
  return { samples, growth, epochs, rounds: round, left };
}

interface Round {
  readonly backend: Backend;
  readonly recipe: Recipe;
  readonly data: string;
  readonly out: string;
  /** Seconds. */
  readonly length: number;
  readonly onEpoch: (epoch: number) => void;
}

/** One round: opens the data, trains until the time is up, loads the best weights and evaluates them, closes all. */
async function trainAndEvaluate({ backend, recipe, data, out, length, onEpoch }: Round): Promise<void> {
  const open = async (split: 'train' | 'val') => openDataset(data, { split, size: SIZE, labelsRequired: true });
  await using training = await open('train');
  await using validation = await open('val');
  await train({
    recipe,
    backend,
    data: { train: training, validation },
    out,
    checkpointEvery: CHECKPOINT_EVERY,
    keepBest: 2,
    deadline: performance.now() + 1000 * length,
    onEvent: (event) => {
      if (event.kind === 'epoch') onEpoch(event.row.epoch);
    },
  });
  const { model, weights } = await loadTrainedModel(backend, out);
  const evaluate = await compileEvaluator(backend, model, BATCH);
  await evaluate(weights, validation);
  for (const array of treeLeaves(weights, isDeviceArray)) array.dispose();
  evaluate.dispose();
}
