import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readInThread, readKerasFile, type KerasFile } from './hdf5.ts';
import { WeightsError } from './weights-error.ts';

/** The weights in a `.keras` file, which is a zip archive of them, of the model's configuration and of metadata. */
const WEIGHTS = 'model.weights.h5';

/** Whether a zip archive's members are those of a `.keras` file. */
export const isKerasArchive = (members: ReadonlyMap<string, Buffer>): boolean => members.has(WEIGHTS);

/**
 * Reads the weights of a whole model that Keras 3 wrote as `.keras`. The configuration is left alone: it may hold code.
 *
 * @throws WeightsError as `readKerasFile`.
 */
export async function readKerasArchive(path: string, members: ReadonlyMap<string, Buffer>): Promise<KerasFile> {
  const weights = members.get(WEIGHTS);
  if (weights === undefined) throw new WeightsError('WEIGHTS_CORRUPT', `${path} has no ${WEIGHTS}`);
  // The HDF5 library reads files alone.
  const folder = await mkdtemp(join(tmpdir(), 'sepal-keras-'));
  try {
    const file = join(folder, WEIGHTS);
    await writeFile(file, weights);
    return await readKerasFile(path, async () => readInThread(file));
  } finally {
    await rm(folder, { recursive: true });
  }
}
