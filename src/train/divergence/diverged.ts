import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { jsonText, makeFolder, writeFile } from '../../base/index.ts';
import { streamSafetensors, type ComputeType } from '../../models/index.ts';
import type { Backend } from '../../runtime/index.ts';
import { hostArray, type HostTensor } from '../../xla/index.ts';
import { readCheckpoint, sourcesOf, type Checkpoint, type CheckpointInfo } from '../run/checkpoint.ts';
import type { DeviceBatch } from '../step/device-batches.ts';
import { CheckpointError, TrainingError } from '../errors.ts';
import type { PhaseRun, StepOutcome } from '../phase/phase-run.ts';
import { DIVERGED_FILE, divergedPart } from '../run/run-files.ts';

const HINT = 'lower the learning rate, lengthen the warm-up, or clip gradients (clipNorm)';

/** What is kept of a step whose numbers were not finite, beside the state before it and its batch. */
const stepSchema = z.object({
  /** Counted from 1 in the run. */
  step: z.int(),
  epoch: z.int(),
  learningRate: z.number(),
  /** As text: JSON has neither NaN nor infinity. */
  loss: z.string(),
  gradientNorm: z.string(),
  seed: z.int(),
  replicas: z.int(),
  /** Hosts that the batch lay on, in the order of its rows. */
  hosts: z.int().min(1).default(1),
  computeType: z.enum(['float32', 'bfloat16']),
  classWeights: z.array(z.number()).optional(),
  /** Whether the step was of the head alone, on features computed once. */
  onFeatures: z.boolean(),
  /** Parameters whose gradients were not finite. */
  gradients: z.array(z.string()),
  /** Images of the batch in the order of its rows; padding is left out. */
  images: z.array(z.string()),
});

/** The same as the text that stands in the file. */
const noteSchema = jsonText.pipe(stepSchema);

/** What is known of a step whose numbers were not finite. */
export type DivergedStep = z.output<typeof stepSchema>;

/** A step that a run doesn't go on from: it ends, or rolls back. */
export class Diverged extends Error {
  readonly step: DivergedStep;
  readonly action: 'stop' | 'roll-back';
  /** What the run has tried before, in words. */
  readonly limit?: string;

  constructor(step: DivergedStep, action: 'stop' | 'roll-back', limit?: string) {
    super(whatDiverged(step));
    this.step = step;
    this.action = action;
    this.limit = limit;
  }
}

/** A step to be run again: the state before it, its batch, and what was known of it. */
export interface DivergedRun {
  readonly step: DivergedStep;
  readonly checkpoint: Checkpoint;
  readonly batch: BatchRows;
}

/** A step whose numbers were not finite, and all that it takes to run it again. */
export interface Divergent {
  readonly run: PhaseRun;
  readonly batch: DeviceBatch;
  readonly outcome: StepOutcome;
  readonly learningRate: number;
  readonly epoch: number;
  /** Of the step before. */
  readonly info: CheckpointInfo;
  readonly computeType: ComputeType;
  readonly seed: number;
  readonly classWeights?: readonly number[];
  /** Of all training images. */
  readonly ids: readonly string[];
  readonly backend: Backend;
}

/**
 * Keeps the state before the step and its batch in one file, for `sepal debug`, and what a person wants to know in
 * another. Where hosts train together each writes its rows of the batch, and the first one the rest. Where `isWhole` is
 * false nothing is.
 */
export async function keepDiverged(
  out: string,
  divergent: Divergent,
  { isWhole = true }: { readonly isWhole?: boolean } = {},
): Promise<DivergedStep> {
  const { run, batch, outcome, learningRate, epoch, info, computeType, seed, classWeights, ids, backend } = divergent;
  const { host } = backend;
  const { indices, mask } = batch;
  const step: DivergedStep = {
    step: info.step + 1,
    epoch,
    learningRate,
    loss: String(outcome.loss),
    gradientNorm: String(outcome.gradientNorm),
    seed,
    replicas: backend.replicas,
    hosts: host.count,
    computeType,
    classWeights: classWeights === undefined ? undefined : [...classWeights],
    onFeatures: run.summary.cachesFeatures,
    gradients: [...outcome.unsound],
    images: Array.from(indices, (index) => ids[index]).filter((_, row) => mask[row] === 1),
  };
  if (!isWhole) return step;
  const rows = { batch: await rowsOf(divergent) };
  const write = async (tree: object) => {
    const metadata = { sepal: JSON.stringify(info), diverged: JSON.stringify(step) };
    await streamSafetensors(join(out, divergedPart(host.index)), sourcesOf(tree), metadata);
  };
  if (host.index !== 0) {
    // Other hosts write nothing else, so there may be no folder yet.
    await makeFolder(out);
    await write(rows);
    return step;
  }
  const snapshot = await run.snapshot(info.step);
  try {
    await write({ ...snapshot.state, ...rows });
  } finally {
    snapshot.dispose();
  }
  await noteDiverged(out, step);
  return step;
}

/** This host's rows of a batch. */
async function rowsOf({ batch, backend }: Divergent): Promise<Readonly<Record<string, HostTensor>>> {
  const rows = batch.mask.length;
  const whole = Object.entries(batch.arrays).map(async ([name, array]) => {
    const [, ...rest] = array.shape;
    return [name, { shape: [rows, ...rest], dtype: array.dtype, data: await backend.gather(array) }] as const;
  });
  return Object.fromEntries(await Promise.all(whole));
}

/** Writes what a person wants to know of the step; `first` is what a diagnosis has found. */
export async function noteDiverged(out: string, step: DivergedStep, first?: string): Promise<void> {
  const { images, ...rest } = step;
  await writeFile(join(out, DIVERGED_FILE), `${JSON.stringify({ ...rest, first, images }, undefined, 2)}\n`);
}

const BATCH = ['images', 'labels', 'mask'] as const;
type BatchRows = Readonly<Record<(typeof BATCH)[number], HostTensor>>;

/** Reads the step that a run kept. @throws CheckpointError where it kept none, or where a host's part of it is missing. */
export async function readDiverged(out: string): Promise<DivergedRun> {
  const first = await readPart(out, 0);
  const others: DivergedRun[] = [];
  for (let host = 1; host < first.step.hosts; host++) others.push(await readPart(out, host));
  const other = others.find(({ step }) => step.step !== first.step.step || step.seed !== first.step.seed);
  if (other !== undefined) {
    throw new CheckpointError('CHECKPOINT_FORMAT', `${other.checkpoint.path} belongs to another step`, {
      expected: `step ${first.step.step}, seed ${first.step.seed}`,
      received: `step ${other.step.step}, seed ${other.step.seed}`,
    });
  }
  const parts = [first, ...others];
  const rows = (name: keyof BatchRows) => joinRows(parts.map(({ batch }) => batch[name]));
  const step = { ...first.step, images: parts.flatMap((part) => part.step.images) };
  return { step, checkpoint: first.checkpoint, batch: { images: rows('images'), labels: rows('labels'), mask: rows('mask') } }; // prettier-ignore
}

async function readPart(out: string, host: number): Promise<DivergedRun> {
  if (!existsSync(out)) {
    throw new CheckpointError('NO_RUN', `there is no run ${out}`, { hint: 'sepal train says where it puts a run' });
  }
  const checkpoint = await readCheckpoint(join(out, divergedPart(host))).catch((error: unknown) => {
    if (!(error instanceof CheckpointError && error.code === 'CHECKPOINT_FILE')) throw error;
    throw new CheckpointError('NOTHING_DIVERGED', `${out} has no ${divergedPart(host)}`, {
      hint:
        host === 0
          ? 'a run writes it at the first step whose loss or gradients are not finite'
          : `it has the rows of host ${host}: copy it from the run folder there`,
      cause: error,
    });
  });
  const { metadata, path, tensors } = checkpoint;
  const parsed = noteSchema.safeParse(metadata.diverged);
  const [images, labels, mask] = BATCH.map((name) => tensors.get(`batch/${name}`));
  if (!parsed.success || images === undefined || labels === undefined || mask === undefined) {
    throw new CheckpointError('CHECKPOINT_FORMAT', `${path} holds no batch to run again`);
  }
  return { step: parsed.data, checkpoint, batch: { images, labels, mask } };
}

/** Concatenates tensors along their first axis. */
function joinRows(parts: readonly HostTensor[]): HostTensor {
  const [{ shape, dtype }] = parts;
  const rows = parts.reduce((sum, part) => sum + part.shape[0], 0);
  const bytes = parts.map(({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return {
    shape: [rows, ...shape.slice(1)],
    dtype,
    data: hostArray(dtype, new Uint8Array(Buffer.concat(bytes)).buffer),
  };
}

/** What was not finite in a step, in words. */
export function whatDiverged({ loss, gradientNorm, gradients }: DivergedStep): string {
  if (!Number.isFinite(Number(loss))) return `the training loss is ${loss}`;
  const [first, ...more] = gradients.toReversed();
  if (first !== undefined) {
    return `the gradient of ${first}${more.length === 0 ? '' : ` (and of ${more.length} more)`} is not finite`;
  }
  if (!Number.isFinite(Number(gradientNorm))) return `the norm of the gradients is ${gradientNorm}`;
  return 'a batch-norm statistic is not finite';
}

/** The error that ends a run; `first` is what a diagnosis has found. */
export function divergedError(
  step: DivergedStep,
  { first, limit }: { first?: string; limit?: string } = {},
): TrainingError {
  const where = first === undefined ? '' : `: ${first}`;
  const after = limit === undefined ? '' : `, after ${limit}`;
  return new TrainingError(
    'DIVERGED',
    `${whatDiverged(step)} at step ${step.step}, in epoch ${step.epoch}${after}${where}`,
    {
      hint: `${HINT}; sepal debug RUN shows what went wrong in which layer, ${DIVERGED_FILE} lists the images; --resume goes on in front of the step, with --on-divergence skip without it`,
    },
  );
}

/** @throws TrainingError `DIVERGED` for a validation loss that is no number. */
export function requireFinite(loss: number, epoch: number): void {
  if (Number.isFinite(loss)) return;
  throw new TrainingError('DIVERGED', `the validation loss is ${loss} in epoch ${epoch}`, { hint: HINT });
}
