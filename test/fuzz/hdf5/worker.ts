import { copyFileSync, rmSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { parentPort } from 'node:worker_threads';
import { isDeepStrictEqual } from 'node:util';
import { memoryOf, readHdf5, type Hdf5Content, type Hdf5Library } from '../../../src/models/weights/hdf5-content.ts';

/**
 * The program of a thread that reads one file after the other. An instance of the HDF5 library is kept as long as it is in
 * order: after each file that it refused it must still read one that is whole, and to the same numbers.
 */

/** Files of one instance, which keeps them open. */
const MOST_FILES = 40;
/** Instances of one thread, which holds all that it has loaded: each takes 20 MB. */
const MOST_INSTANCES = 10;

/** What the thread tells of a file. */
export interface FileRead {
  readonly content: Hdf5Content;
  /** Whether the thread should read no more. */
  readonly isWorn: boolean;
}
const WHOLE = join(import.meta.dirname, '..', '..', 'weights', 'tiny.h5');

const place = import.meta.resolve('h5wasm/node');
const factory = import.meta.resolve('./factory.ts');
registerHooks({
  resolve: (specifier, context, next) =>
    specifier === './hdf5_util.js' && context.parentURL?.startsWith(`${place}?`)
      ? { url: factory, shortCircuit: true }
      : next(specifier, context),
});

let instances = 0;
let files = 0;
const newInstance = async () => (await import(`${place}?${instances++}`)) as Hdf5Library;
let library = await newInstance();

/** The library knows a file that is open by its inode, and would not read it again: each gets a new one. */
async function readCopy(path: string, near = path): Promise<Hdf5Content> {
  const copy = `${near}.${files++}`;
  copyFileSync(path, copy);
  try {
    return await readHdf5(copy, library);
  } finally {
    rmSync(copy);
  }
}

let whole: Hdf5Content | undefined;

async function read(path: string): Promise<void> {
  whole ??= await readCopy(WHOLE, path);
  const content = await readCopy(path);
  const isInOrder = 'layers' in content || isDeepStrictEqual(await readCopy(WHOLE, path), whole);
  if (!isInOrder || files >= MOST_FILES) {
    library = await newInstance();
    files = 0;
  }
  const isWorn = instances > MOST_INSTANCES;
  parentPort?.postMessage({ content, isWorn } satisfies FileRead, memoryOf(content));
}

parentPort?.on('message', (path: string) => void read(path));
parentPort?.postMessage('ready', []);
