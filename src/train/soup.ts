import { mapTree } from '../base/index.ts';
import { isHostTensor, type HostTensor } from '../xla/index.ts';
import { modelOf, readCheckpoint, saveWeights, tensorsOf, type Checkpoint } from './checkpoint.ts';
import { CheckpointError } from './errors.ts';
import { variableTypes, type WeightsOf } from './train-state.ts';

/**
 * Writes a checkpoint whose weights are the mean of several ones of one architecture (a model soup, Wortsman et al. 2022):
 * runs that began with the same pretrained weights, or snapshots of one run, often agree well enough for it, and the mean
 * costs no more than one of them. It is described as the first one, with the sum of their seconds.
 *
 * @throws CheckpointError `SOUP` where models or classes differ.
 */
export async function writeSoup(path: string, files: readonly string[]): Promise<void> {
  const checkpoints: Checkpoint[] = [];
  for (const file of files) checkpoints.push(await readCheckpoint(file));
  const [first] = checkpoints;
  for (const other of checkpoints) requireSame(first, other);
  const types = variableTypes(modelOf(first));
  const all = checkpoints.map((checkpoint) => new Map(namedTensors(tensorsOf(checkpoint, types))));
  const mean = mapTree(tensorsOf(first, types), isHostTensor, (tensor, name): HostTensor => {
    const sum = new Float64Array(tensor.data.length);
    for (const tensors of all) for (const [i, value] of tensors.get(name)!.data.entries()) sum[i] += Number(value);
    return { ...tensor, data: Float32Array.from(sum, (value) => value / all.length) };
  });
  const seconds = checkpoints.reduce((total, { info }) => total + info.seconds, 0);
  await saveWeights(path, mean, { ...first.info, best: undefined, seconds });
}

function namedTensors(weights: WeightsOf<HostTensor>): [string, HostTensor][] {
  const named: [string, HostTensor][] = [];
  mapTree(weights, isHostTensor, (tensor, name) => named.push([name, tensor]));
  return named;
}

/** Weights of other models or classes stand for other things, even where their shapes agree. */
function requireSame(first: Checkpoint, other: Checkpoint): void {
  for (const field of ['model', 'classNames', 'preprocess'] as const) {
    const [expected, received] = [first, other].map(({ info }) => JSON.stringify(info[field]));
    if (expected === received) continue;
    throw new CheckpointError(
      'SOUP',
      `the weights of ${other.path} can't be averaged with those of ${first.path}: another ${field}`,
      {
        expected: expected.slice(0, 200),
        received: received.slice(0, 200),
        hint: 'sepal ensemble averages the predictions of any models',
      },
    );
  }
}
