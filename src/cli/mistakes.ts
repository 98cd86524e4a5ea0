import { encodeHeat, thumbnail, type Dataset } from '../data/index.ts';
import type { Confusion } from '../metrics/index.ts';
import type { ConfusedPhotos, Mistake } from '../report/index.ts';
import type { Backend } from '../runtime/index.ts';
import { explainPictures, type TrainedModel } from '../train/index.ts';

/** How many mistakes a report shows. */
const GALLERY = 24;
/** How many pairs of classes are shown with photos, and how many of each. */
const PAIRS = 6;
const PHOTOS = 4;

interface Wrong {
  readonly index: number;
  readonly label: number;
  readonly predicted: number;
  readonly probability: number;
}

/** Which pictures were named wrongly, the surest first; those that could not be decoded were not named at all. */
function wrongOnes(data: Dataset, probabilities: Float32Array, classes: number): Wrong[] {
  return Array.from({ length: data.count }, (_, index) => {
    const row = probabilities.subarray(index * classes, (index + 1) * classes);
    const probability = Math.max(...row);
    return { index, label: data.labels[index], predicted: row.indexOf(probability), probability };
  })
    .filter(({ label, predicted, probability }) => label !== predicted && probability > 0)
    .toSorted((a, b) => b.probability - a.probability);
}

export interface MistakeSettings {
  readonly backend: Backend;
  /** What made the mistakes, for Grad-CAM; without it the photos are shown alone. */
  readonly trained?: Pick<TrainedModel, 'model' | 'weights'>;
  readonly data: Dataset;
  /** [examples, classes]. */
  readonly probabilities: Float32Array;
  readonly confusion: Confusion;
}

/** The worst mistakes and the pairs mixed up most often, with their photos and what spoke for the wrong class. */
export async function mistakesOf({
  backend,
  trained,
  data,
  probabilities,
  confusion,
}: MistakeSettings): Promise<{ mistakes: Mistake[]; confusedPhotos: ConfusedPhotos[] }> {
  const wrong = wrongOnes(data, probabilities, confusion.classCount);
  const worst = wrong.slice(0, GALLERY);
  const pairs = confusion.confusedPairs(PAIRS).map(({ label, predicted, count }) => {
    const own = wrong.filter((each) => each.label === label && each.predicted === predicted);
    return { label, predicted, count, own: own.slice(0, PHOTOS) };
  });
  const shown = [...new Set([...worst, ...pairs.flatMap(({ own }) => own)])];
  const asked = shown.map(({ index, predicted }) => ({ index, class: predicted }));
  const heats = trained === undefined ? [] : await explainPictures(backend, trained, data, asked);
  const cards = await Promise.all(
    shown.map(async ({ index, label, predicted, probability }, i) => ({
      id: data.ids[index],
      label,
      predicted,
      probability,
      image: await thumbnail(await data.encoded(index)),
      heat: i in heats ? await encodeHeat(heats[i]) : undefined,
    })),
  );
  const cardOf = new Map(shown.map((each, i) => [each, cards[i]]));
  const all = (list: readonly Wrong[]): Mistake[] => list.map((each) => cardOf.get(each)!);
  return {
    mistakes: all(worst),
    confusedPhotos: pairs.map(({ own, ...pair }) => ({ ...pair, photos: all(own) })),
  };
}
