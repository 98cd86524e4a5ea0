import { mapTree } from '../base/index.ts';
import { isHostTensor, lowerToStableHlo, type HostTensor } from '../xla/index.ts';
import { modelOf, readCheckpoint, saveWeights, tensorsOf, type Checkpoint } from './run/checkpoint.ts';
import { CheckpointError } from './errors.ts';
import { evaluationProgram } from './programs.ts';
import { variableTypes, type WeightsOf } from './step/train-state.ts';

/**
 * Checkpoints of one architecture whose weights can be averaged (model soups, Wortsman et al. 2022): runs that began with the
 * same pretrained weights, or snapshots of one run, often agree well enough for it, and the mean costs no more than one of them.
 */
export class Ingredients {
  readonly files: readonly string[];
  readonly #checkpoints: readonly Checkpoint[];

  private constructor(files: readonly string[], checkpoints: readonly Checkpoint[]) {
    this.files = files;
    this.#checkpoints = checkpoints;
  }

  /** @throws CheckpointError `SOUP` where models or classes differ. */
  static async read(files: readonly string[]): Promise<Ingredients> {
    const checkpoints: Checkpoint[] = [];
    for (const file of files) checkpoints.push(await readCheckpoint(file));
    for (const other of checkpoints) requireSame(checkpoints[0], other);
    return new Ingredients(files, checkpoints);
  }

  /** Whether all were trained at one image size. */
  get isOneSize(): boolean {
    return new Set(this.#checkpoints.map(({ info }) => JSON.stringify(info.size))).size === 1;
  }

  /** The mean of the weights of some of them, by their numbers. */
  mean(numbers: readonly number[]): WeightsOf<HostTensor> {
    const types = variableTypes(modelOf(this.#checkpoints[0]));
    const chosen = numbers.map((number) => tensorsOf(this.#checkpoints[number], types));
    const all = chosen.map((weights) => new Map(namedTensors(weights)));
    return mapTree(chosen[0], isHostTensor, (tensor, name): HostTensor => {
      const sum = new Float64Array(tensor.data.length);
      for (const tensors of all) for (const [i, value] of tensors.get(name)!.data.entries()) sum[i] += Number(value);
      return { ...tensor, data: Float32Array.from(sum, (value) => value / all.length) };
    });
  }

  /** Writes their mean as a checkpoint, described as the first one of them, with the sum of their seconds. */
  async save(path: string, numbers: readonly number[]): Promise<void> {
    const seconds = numbers.reduce((total, number) => total + this.#checkpoints[number].info.seconds, 0);
    const { info } = this.#checkpoints[numbers[0]];
    await saveWeights(path, this.mean(numbers), { ...info, best: undefined, seconds });
  }
}

function namedTensors(weights: WeightsOf<HostTensor>): [string, HostTensor][] {
  const named: [string, HostTensor][] = [];
  mapTree(weights, isHostTensor, (tensor, name) => named.push([name, tensor]));
  return named;
}

/** What a model computes, at the size of another. */
function inferenceText(checkpoint: Checkpoint, { info: { size } }: Checkpoint): string {
  const model = modelOf({ ...checkpoint, info: { ...checkpoint.info, size } });
  return lowerToStableHlo(evaluationProgram(model, { batchSize: 1 }, 1).graph);
}

/** Weights of other models or classes stand for other things, even where their shapes agree. */
function requireSame(first: Checkpoint, other: Checkpoint): void {
  for (const field of ['model', 'classNames', 'preprocess'] as const) {
    const [expected, received] = [first, other].map(({ info }) => JSON.stringify(info[field]));
    if (expected === received) continue;
    // Options such as dropout are no part of what is computed.
    if (field === 'model' && inferenceText(first, first) === inferenceText(other, first)) continue;
    throw new CheckpointError(
      'SOUP',
      `the weights of ${other.path} can't be averaged with those of ${first.path}: another ${field}`,
      {
        expected: expected.slice(0, 200),
        received: received.slice(0, 200),
        hint: 'sepal ensemble without --soup averages the predictions of any models',
      },
    );
  }
}
