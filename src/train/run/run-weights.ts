import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { nearest } from '../../base/index.ts';
import { isImageFile } from '../../data/index.ts';
import type { Model } from '../../models/index.ts';
import type { HostTensor } from '../../xla/index.ts';
import type { ArraysOf, Backend } from '../../runtime/index.ts';
import { modelOf, readCheckpoint, tensorsOf, type CheckpointInfo } from './checkpoint.ts';
import { CheckpointError } from '../errors.ts';
import { computeTypeOf } from '../step/precision.ts';
import { BEST_FILE } from './run-files.ts';
import { variableTypes, type Weights } from '../step/train-state.ts';

/** A trained model on the devices. */
export interface TrainedModel {
  readonly model: Model;
  readonly info: CheckpointInfo;
  readonly weights: ArraysOf<Weights>;
  readonly path: string;
}

/** Loads the best weights of a run folder, or a checkpoint file. @throws CheckpointError that says what is missing. */
export async function loadTrainedModel(backend: Backend, runOrFile: string): Promise<TrainedModel> {
  const path = checkpointPath(runOrFile);
  const checkpoint = await readCheckpoint(path);
  const computeType = computeTypeOf(checkpoint.info.recipe.precision, backend);
  const model = modelOf(checkpoint, computeType);
  const weights = await backend.replicateTree(tensorsOf(checkpoint, variableTypes(model)));
  return { model, info: checkpoint.info, weights, path };
}

/** A trained model on the host. */
export interface StoredModel {
  readonly model: Model;
  readonly info: CheckpointInfo;
  /** float32, by the variable's path. */
  readonly values: ReadonlyMap<string, HostTensor>;
  readonly path: string;
}

/** Reads the best weights of a run folder, or a checkpoint file, without a device. @throws CheckpointError. */
export async function readTrainedModel(runOrFile: string): Promise<StoredModel> {
  const path = checkpointPath(runOrFile);
  const checkpoint = await readCheckpoint(path);
  const model = modelOf(checkpoint);
  const { params, statistics } = tensorsOf(checkpoint, variableTypes(model));
  return { model, info: checkpoint.info, values: new Map(Object.entries({ ...params, ...statistics })), path };
}

/** What lies beside the place where a run was looked for, and is called nearly like it. */
function nearRuns(run: string): string | undefined {
  const folder = dirname(run);
  const names = existsSync(folder) && statSync(folder).isDirectory() ? readdirSync(folder) : [];
  const near = nearest(basename(run), names).map((name) => join(folder, name));
  return near.length === 0 ? undefined : `did you mean ${near.join(' or ')}?`;
}

/** The file of the best weights of a run folder; a file stands for itself. @throws CheckpointError where there is none. */
export function checkpointPath(runOrFile: string): string {
  if (!existsSync(runOrFile)) {
    throw new CheckpointError('NO_RUN', `there is no run ${runOrFile}`, {
      hint: nearRuns(runOrFile) ?? 'sepal train says where it puts a run',
    });
  }
  if (!statSync(runOrFile).isDirectory()) {
    if (isImageFile(runOrFile)) {
      throw new CheckpointError('NO_RUN', `${runOrFile} is a picture and no run`, {
        expected: 'a run folder, or a .safetensors file that sepal train wrote',
        hint: 'the run comes first: sepal predict RUN IMAGE',
      });
    }
    if (!runOrFile.endsWith('.json')) return runOrFile;
    throw new CheckpointError('NO_RUN', `${runOrFile} is no run`, {
      hint: 'sepal submit, sepal serve and loadModel take an ensemble; others take one of its runs',
    });
  }
  const best = join(runOrFile, BEST_FILE);
  if (existsSync(best)) return best;
  throw new CheckpointError('NO_CHECKPOINT', `${runOrFile} has no ${BEST_FILE}`, {
    hint: 'a run has one after its first epoch; is this a run folder?',
  });
}
