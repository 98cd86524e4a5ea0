import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Random } from '../src/base/index.ts';
import { encodeExample, encodeJpeg, openDataset, TfrecordWriter, type Dataset } from '../src/data/index.ts';

export interface ColouredOptions {
  readonly classNames?: readonly string[];
  /** Pictures by split; the folder has a folder for each. */
  readonly splits: Readonly<Record<string, number>>;
  readonly size?: number;
  readonly seed?: number;
  /** Share of the pictures whose label says another class. */
  readonly wrong?: number;
  readonly labelled?: boolean;
}

const COLOURS = [
  [200, 60, 50],
  [60, 180, 70],
  [50, 80, 210],
  [200, 190, 60],
] as const;

/** Writes TFRecord files of noisy pictures, one colour a class: small, quick to write, and a model can learn them. */
export async function writeColouredDataset(folder: string, options: ColouredOptions): Promise<string> {
  const { classNames = ['red', 'green', 'blue'], splits, size = 16, seed = 0, wrong = 0, labelled = true } = options;
  for (const [split, count] of Object.entries(splits)) {
    await using writer = await TfrecordWriter.create(join(folder, split));
    for (let i = 0; i < count; i++) {
      const random = new Random(seed, split, i);
      const label = i % classNames.length;
      const rgb = Uint8Array.from({ length: size * size * 3 }, (_, at) => {
        return Math.max(0, Math.min(255, COLOURS[label][at % 3] + 60 * random.normal()));
      });
      const said = random.uniform() < wrong ? random.integer(classNames.length) : label;
      const image = encodeJpeg({ rgb, size, quality: 95 });
      await writer.write(encodeExample({ image, ...(labelled && { class: said }), id: `${split}-${i}` }));
    }
    await writer.finish(`00-${size}x${size}-${count}.tfrec`);
  }
  await writeFile(join(folder, 'classes.txt'), classNames.map((name) => `${name}\n`).join(''));
  return folder;
}

/** Opens the splits train and val of such a folder; the caller closes them. */
export async function openSplits(folder: string, size = 16): Promise<{ train: Dataset; validation: Dataset }> {
  const open = async (split: string) => openDataset(join(folder, split), { size });
  return { train: await open('train'), validation: await open('val') };
}
