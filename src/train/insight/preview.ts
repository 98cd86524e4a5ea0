import { Random } from '../../base/index.ts';
import type { Dataset, Tiles } from '../../data/index.ts';
import { jit, type Backend } from '../../runtime/index.ts';
import { clamp, convert, foldIn, full, round, type Tensor } from '../../xla/index.ts';
import { augment, mixExamples } from '../augment/index.ts';
import type { Recipe } from '../recipe/recipe.ts';
import { stepInputTypes } from '../step/step.ts';

/** How large a preview of augmentation is. */
export interface PreviewOptions {
  /** Pictures, a row each; an even number. */
  readonly rows?: number;
  /** Pictures in a row: the first is as it is stored, each other one as a step sees it. */
  readonly columns?: number;
}

/**
 * What a recipe's augmentation makes of the first pictures of an epoch, drawn by the program that training runs: a row
 * for each picture.
 */
export async function previewAugmentation(
  backend: Backend,
  recipe: Pick<Recipe, 'augment' | 'seed'>,
  data: Dataset,
  { rows = 6, columns = 8 }: PreviewOptions = {},
): Promise<Tiles> {
  const { height, width } = data.size;
  const images = { shape: [rows, height, width, 3], dtype: 'uint8' } as const;
  const program = await jit(
    backend,
    (pixels: Tensor, key: Tensor) => {
      const draws = { key: foldIn(key, 0), firstExample: full([], 0, 'uint32') };
      const changed = augment(pixels, recipe.augment, draws);
      const mixed = mixExamples(changed, full([rows], 0, 'int32'), full([rows], 1, 'float32'), recipe.augment, draws);
      return convert(round(clamp(mixed?.images ?? changed, 0, 255)), 'uint8');
    },
    [images, stepInputTypes.key],
    { name: 'preview' },
  );
  const order = new Random(recipe.seed, 'shuffle', 0).permutation(data.count);
  const first = Uint32Array.from({ length: rows }, (_, i) => order[i % data.count]);
  const tile = height * width * 3;
  const pixels = new Uint8Array(rows * columns * tile);
  for await (const batch of data.batches({ batchSize: rows, order: first })) {
    const stored = await backend.replicate(batch.images, images);
    const lay = (column: number, made: Uint8Array) => {
      for (let row = 0; row < rows; row++) {
        pixels.set(made.subarray(row * tile, (row + 1) * tile), (row * columns + column) * tile);
      }
    };
    lay(0, batch.images);
    for (let column = 1; column < columns; column++) {
      const key = await backend.replicate(Uint32Array.of(column, recipe.seed), stepInputTypes.key);
      const result = await program(stored, key);
      lay(column, (await result.toHost()) as Uint8Array);
      result.dispose();
      key.dispose();
    }
    stored.dispose();
    batch.release();
  }
  program.dispose();
  return { pixels, side: height, columns };
}
