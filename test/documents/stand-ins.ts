import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Random } from '../../src/base/index.ts';
import { convertFolder, drawDataset, drawFlower, encodeExample, encodeJpeg, shardName, SPECIES, TfrecordWriter } from '../../src/data/index.ts'; // prettier-ignore
import { writeUntrainedRun } from '../untrained-run.ts';
import type { Checkout } from './checkout.ts';
import { ROOT } from './commands.ts';

const CLASSES = ['daisy', 'rose', 'tulip'];
const SIDE = 64;
const EACH = 12;

/** Flags by which any training is over in seconds. */
export const SHORT = '--device cpu --epochs 1 --size 32 --batch-size 8';
/** And for the plain CNN. */
export const SMALL_CNN = `--set 'model.options={depth: 2, width: 4}'`;

const photo = (label: number, n: number): Buffer =>
  Buffer.from(encodeJpeg(drawFlower(SPECIES[label], SIDE, new Random(n, 'documents'))));

/**
 * What the documents' commands find: small things of the same form. Each is made where a document first needs it, and
 * copied for the others, as commands change what they find.
 */
const MAKERS: Readonly<Record<string, (path: string, base: Checkout) => Promise<unknown>>> = {
  photos: async (path) => {
    for (const [label, name] of CLASSES.entries()) {
      await mkdir(join(path, name), { recursive: true });
      for (let n = 0; n < EACH; n++) await writeFile(join(path, name, `${n}.jpg`), photo(label, n));
    }
  },
  'rose.jpg': async (path) => writeFile(path, photo(1, EACH)),
  'labels.csv': async (path) => {
    const rows = CLASSES.flatMap((name) => Array.from({ length: EACH }, (_, n) => `${name}/${n}.jpg,${name}`));
    // Both pairs of columns that the documents name.
    await writeFile(path, ['file,label,path,species', ...rows.map((row) => `${row},${row}`), ''].join('\n'));
  },
  flowers: async (path, base) => {
    await standIn(base, 'photos');
    await convertFolder(join(base.folder, 'photos'), { out: path, size: SIDE });
  },
  beans: async (path) => cp(join(ROOT, 'test', 'parquet'), path, { recursive: true }),
  'old-records': async (path) => {
    for (const split of ['train', 'val']) {
      await using writer = await TfrecordWriter.create(join(path, split));
      for (let n = 0; n < EACH; n++) await writer.write(encodeExample({ picture: photo(n % 3, n), species: n % 3, number: n })); // prettier-ignore
      await writer.finish(shardName(0, SIDE, EACH));
    }
  },
  'species.txt': async (path) => writeFile(path, `${CLASSES.join('\n')}\n`),
  tf_flowers: async (path) => drawDataset({ out: path, classes: 5, train: 20, val: 10, test: 5 }),
  flowers102: async (path) => {
    for (const split of ['train', 'val']) {
      await using writer = await TfrecordWriter.create(join(path, split));
      for (let n = 0; n < 102; n++) await writer.write(encodeExample({ image: photo(n, 0), class: n, id: `${split}-${n}` })); // prettier-ignore
      await writer.finish(shardName(0, SIDE, writer.count));
    }
  },
  petals: async (path) => drawDataset({ out: path, classes: 5, size: 512, train: 10, val: 5, test: 5 }),
  'runs/first': async (path, base) => trained(path, base, 0),
  'runs/second': async (path, base) => trained(path, base, 1),
  'runs/folds': async (path, base) => {
    await standIn(base, 'flowers');
    await must(base, `sepal train cnn --data flowers --out '${path}' --folds 2 ${SHORT} ${SMALL_CNN}`);
  },
  'runs/snapshots': async (path, base) => {
    for (const [n, run] of ['runs/first', 'runs/second'].entries()) {
      await cp(join(await standIn(base, run), 'best.safetensors'), join(path, `snapshot-${n + 1}.safetensors`));
    }
  },
  'runs/diverged': async (path, base) => {
    await standIn(base, 'flowers');
    await base.run(`sepal train cnn --data flowers --out '${path}' --learning-rate 1e30 ${SHORT} ${SMALL_CNN}`);
  },
  'ensemble.json': async (path, base) => {
    await standIn(base, 'runs/first');
    await standIn(base, 'runs/second');
    await standIn(base, 'flowers');
    await must(base, `sepal ensemble runs/first runs/second --data flowers --device cpu --out '${path}'`);
  },
  'my-recipe.yaml': async (path) => cp(join(ROOT, 'recipes', 'cnn.yaml'), path),
  // What ImageNet's weights and a user's own are in: files of the same form with random numbers.
  'efficientnet-lite0.safetensors': async (path, base) => exported(path, base, 'efficientnet-lite0', 'timm'),
  'efficientnet-b0.safetensors': async (path, base) => exported(path, base, 'efficientnet-b0', 'timm'),
  'my-weights.h5': async (path, base) => exported(path, base, 'densenet121', 'keras'),
};

async function trained(path: string, base: Checkout, seed: number): Promise<void> {
  await standIn(base, 'flowers');
  await must(base, `sepal train cnn --data flowers --out '${path}' --seed ${seed} ${SHORT} ${SMALL_CNN} --epochs 2`);
}

async function exported(path: string, base: Checkout, name: string, format: string): Promise<void> {
  const run = await writeUntrainedRun(join(base.folder, 'untrained', name), { name, size: SIDE });
  await must(base, `sepal export '${run}' --format ${format} --out '${path}'`);
}

async function must(base: Checkout, line: string): Promise<void> {
  const { status, stderr } = await base.run(line);
  if (status !== 0) throw new Error(`${line}\n${stderr}`);
}

const made = new Map<string, Promise<unknown>>();

/** Makes a stand-in in the checkout that all are copied from; its path. */
async function standIn(base: Checkout, name: string): Promise<string> {
  const path = join(base.folder, name);
  const making = made.get(name) ?? mkdir(join(path, '..'), { recursive: true }).then(async () => MAKERS[name](path, base)); // prettier-ignore
  made.set(name, making);
  await making;
  return path;
}

/** Puts stand-ins into a checkout; `NAME as PATH` puts one elsewhere. */
export async function putStandIns(base: Checkout, into: Checkout, names: readonly string[]): Promise<void> {
  for (const each of names) {
    const [name, path = name] = each.split(' as ');
    if (into !== base) await rm(join(into.folder, path), { recursive: true, force: true });
    await cp(await standIn(base, name), join(into.folder, path), { recursive: true });
  }
}

/** A photo, for those who ask for one by its address. */
export const rose = async (base: Checkout): Promise<Buffer> => readFile(await standIn(base, 'rose.jpg'));
