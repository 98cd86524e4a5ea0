import type { Dataset } from '../../data/index.ts';
import type { Model } from '../../models/index.ts';
import type { Backend } from '../../runtime/index.ts';
import { compileExplainedClassifier, explainRows, type Heat } from './grad-cam.ts';
import type { TrainedModel } from '../run/run-weights.ts';

/** A picture of a data set, and the class that is asked about. */
export interface AskedClass {
  readonly index: number;
  readonly class: number;
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
  const compiled = await compileExplainedClassifier(backend, model, batchSize, 1);
  const { classify, explain } = compiled;
  const { height, width } = data.size;
  const known = { params: weights.params, statistics: weights.statistics };
  const heats: Heat[] = [];
  try {
    const order = Uint32Array.from(picks, ({ index }) => index);
    for await (const batch of data.batches({ batchSize, order })) {
      const asked = picks.slice(heats.length, heats.length + batch.count).map((pick) => [pick.class]);
      const images = await backend.shard(batch.images, { shape: [batchSize, height, width, 3], dtype: 'uint8' });
      const { probabilities, features } = await classify(known, images);
      const maps = await explainRows(backend, compiled, known, features, asked);
      heats.push(...maps.flat());
      for (const array of [images, probabilities, features]) array.dispose();
      batch.release();
    }
  } finally {
    classify.dispose();
    explain.dispose();
  }
  return heats;
}
