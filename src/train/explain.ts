import { treeLeaves } from '../base/index.ts';
import type { Dataset } from '../data/index.ts';
import type { Model } from '../models/index.ts';
import { isDeviceArray, type Backend } from '../runtime/index.ts';
import { compileExplainedClassifier } from './grad-cam.ts';
import type { TrainedModel } from './run-weights.ts';

/** A picture of a data set, and the class that is asked about. */
export interface AskedClass {
  readonly index: number;
  readonly class: number;
}

/** How much each place of a picture spoke for a class, rows from the top; at least 0, on no scale in particular. */
export interface Heat {
  readonly height: number;
  readonly width: number;
  readonly values: Float32Array;
}

/** Pictures a step, over all replicas as near as they divide: they are few, and a large model has large maps. */
const ROWS = 8;

/** Grad-CAM of some pictures, in their order. All zeros for one that can't be decoded. */
export async function explainPictures(
  backend: Backend,
  { model, weights }: { readonly model: Model; readonly weights: TrainedModel['weights'] },
  data: Dataset,
  picks: readonly AskedClass[],
): Promise<Heat[]> {
  if (picks.length === 0) return [];
  const batchSize = Math.ceil(ROWS / backend.replicas) * backend.replicas;
  const { classify, explain } = await compileExplainedClassifier(backend, model, batchSize, 1);
  const known = { params: weights.params, statistics: weights.statistics };
  const heats: Heat[] = [];
  try {
    const order = Uint32Array.from(picks, ({ index }) => index);
    for await (const batch of data.batches({ batchSize, order })) {
      const classes = new Int32Array(batchSize);
      for (let row = 0; row < batch.count; row++) classes[row] = picks[heats.length + row].class;
      const { height, width } = data.size;
      const images = await backend.shard(batch.images, { shape: [batchSize, height, width, 3], dtype: 'uint8' });
      const chosen = await backend.shard(classes, { shape: [batchSize, 1], dtype: 'int32' });
      const { probabilities, features } = await classify(known, images);
      const maps = await explain(known, features, chosen);
      const values = (await backend.gather(maps)) as Float32Array;
      const [, , mapHeight, mapWidth] = maps.shape;
      const length = mapHeight * mapWidth;
      for (let row = 0; row < batch.count; row++) {
        heats.push({ height: mapHeight, width: mapWidth, values: values.slice(row * length, (row + 1) * length) });
      }
      for (const array of treeLeaves([images, chosen, probabilities, features, maps], isDeviceArray)) array.dispose();
      batch.release();
    }
  } finally {
    classify.program.dispose();
    explain.program.dispose();
  }
  return heats;
}
