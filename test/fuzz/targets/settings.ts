import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { globSync, readFileSync } from 'node:fs';
import yazl from 'yazl';
import { extractMember } from '../../../src/assets/zip-member.ts';
import { buildModel, readSafetensors, writeSafetensors } from '../../../src/models/index.ts';
import { modelOf, readCheckpoint, tensorsOf, type CheckpointInfo } from '../../../src/train/run/checkpoint.ts';
import { readDiverged } from '../../../src/train/divergence/diverged.ts';
import { ensembleOf } from '../../../src/train/run/ensemble-file.ts';
import { readHistory } from '../../../src/train/run/history.ts';
import { DIVERGED_STATE } from '../../../src/train/run/run-files.ts';
import { parseRecipe } from '../../../src/train/recipe/recipe.ts';
import { readRecipeFile } from '../../../src/train/recipe/recipe-file.ts';
import { stepProgram } from '../../../src/train/step/step-program.ts';
import {
  initialState,
  initialWeights,
  seededValues,
  stateTypes,
  variableTypes,
} from '../../../src/train/step/train-state.ts';
import { tuneSchema } from '../../../src/tune/settings.ts';
import { readTuneFile, TUNE_FILE } from '../../../src/tune/tune-file.ts';
import { treeLeaves, mapTree } from '../../../src/base/index.ts';
import { isHostTensor, type HostTensor } from '../../../src/xla/index.ts';
import { mutate, mutateText } from '../mutate.ts';
import type { Target } from '../target.ts';

const RECIPES = join(import.meta.dirname, '..', '..', '..', 'recipes');
const YAML_WORDS = ['\n', '  ', ': ', '- ', '[', ']', '{', '}', '&a ', '*a', '!!js/function ', '<<: ', '"', '~', '.inf', '.nan', '1e999', '-1', '? ', '| \n', '%YAML 1.1\n', '--- ', '__proto__: ', 'constructor', '\t']; // prettier-ignore

const recipe: Target = {
  name: 'recipe',
  extension: '.yaml',
  share: 0.6,
  async prepare() {
    const texts = globSync('*.yaml', { cwd: RECIPES }).map((name) => readFileSync(join(RECIPES, name), 'utf8'));
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghi'.replaceAll(/./g, (at) => `${at}: &${at} [${Array.from({ length: 9 }, () => `*${String.fromCharCode(at.charCodeAt(0) - 1)}`).join(',')}]\n`)}`; // prettier-ignore
    return (random) => mutateText([...texts, bomb], YAML_WORDS, random);
  },
  read: async (path) => void parseRecipe(await readRecipeFile(path), path),
};

const RECIPE = parseRecipe(
  {
    model: { name: 'cnn', options: { depth: 1, width: 2 } },
    size: 8,
    epochs: 2,
    batchSize: 4,
    optimizer: { name: 'adam' },
    schedule: { name: 'constant', rate: 0.1 },
  },
  'fuzz',
);

async function wholeCheckpoint(path: string): Promise<Buffer> {
  const model = buildModel({ ...RECIPE.model, classes: 2, size: { height: 8, width: 8 } });
  const { form } = stepProgram(model, RECIPE, 1);
  const state = initialState(form, initialWeights(model, seededValues(0)));
  const tensors = new Map<string, HostTensor>();
  mapTree(state, isHostTensor, (tensor, name) => tensors.set(name, tensor));
  const info: CheckpointInfo = {
    format: 1,
    model: { name: model.name, options: model.options },
    size: model.size,
    classNames: ['daisy', 'rose'],
    preprocess: model.preprocess,
    recipe: RECIPE,
    examples: 8,
    step: 2,
    epoch: 1,
    phase: { index: 0, epoch: 0, step: 0 },
    best: { epoch: 1, score: 0.5 },
    seconds: 1,
  };
  await writeSafetensors(path, tensors, { sepal: JSON.stringify(info) });
  return readFile(path);
}

const INFO_WORDS = ['{', '}', '[', ']', ',', ':', '"', '-1', '1e300', '2147483648', 'null', 'true', '"cnn"', '"vgg16"', '"depth":', '"name":', '"options":', '"__proto__":']; // prettier-ignore

const checkpoint: Target = {
  name: 'checkpoint',
  extension: '.safetensors',
  share: 0.5,
  async prepare(folder) {
    const path = join(folder, 'whole.safetensors');
    const whole = await wholeCheckpoint(path);
    const { tensors, metadata } = await readSafetensors(path);
    const changed = join(folder, 'changed.safetensors');
    return async (random) => {
      if (random.integer(3) === 0) return mutate([whole], random);
      // The file is whole and its description is not.
      const sepal = mutateText([metadata.sepal], INFO_WORDS, random).toString();
      await writeSafetensors(changed, tensors, { sepal });
      return readFile(changed);
    };
  },
  read: async (path) => {
    const read = await readCheckpoint(path);
    const model = modelOf(read);
    treeLeaves(tensorsOf(read, variableTypes(model)), isHostTensor);
    tensorsOf(read, stateTypes(stepProgram(model, read.info.recipe, 1).form));
  },
};

const STEP = { step: 3, epoch: 2, learningRate: 0.1, loss: 'NaN', gradientNorm: 'Infinity', seed: 1, replicas: 1, hosts: 1, computeType: 'float32', onFeatures: false, gradients: ['stem/kernel'], images: ['a', 'b'] }; // prettier-ignore
const BATCH: Readonly<Record<string, HostTensor>> = {
  'batch/images': { shape: [2, 8, 8, 3], dtype: 'uint8', data: new Uint8Array(2 * 8 * 8 * 3).fill(9) },
  'batch/labels': { shape: [2], dtype: 'int32', data: Int32Array.of(0, 1) },
  'batch/mask': { shape: [2], dtype: 'uint8', data: Uint8Array.of(1, 1) },
};

const diverged: Target = {
  name: 'diverged',
  extension: '.safetensors',
  share: 0.3,
  async prepare(folder) {
    const path = join(folder, 'whole.safetensors');
    await wholeCheckpoint(path);
    const { tensors, metadata } = await readSafetensors(path);
    const changed = join(folder, 'changed.safetensors');
    return async (random) => {
      const batch = Object.entries(BATCH).filter(() => random.integer(12) !== 0);
      const text = JSON.stringify({ ...STEP, step: random.integer(9), hosts: random.integer(5) === 0 ? 2 : 1 });
      const note = random.integer(3) === 0 ? text : mutateText([text], INFO_WORDS, random).toString();
      await writeSafetensors(changed, new Map([...tensors, ...batch]), { ...metadata, diverged: note });
      return readFile(changed);
    };
  },
  read: async (path) => {
    const folder = join(dirname(path), 'run');
    await mkdir(folder, { recursive: true });
    await copyFile(path, join(folder, DIVERGED_STATE));
    await readDiverged(folder);
  },
};

const scores = { loss: 1, accuracy: 0.5, macroPrecision: 0.5, macroRecall: 0.5, macroF1: 0.5 };
const row = { epoch: 1, step: 3, learningRate: 0.1, train: scores, validation: scores, seconds: 2, imagesPerSecond: 3 };

const history: Target = {
  name: 'history',
  extension: '.jsonl',
  share: 0.7,
  prepare: async () => (random) => mutateText([`${JSON.stringify(row)}\n`.repeat(3)], INFO_WORDS, random),
  read: async (path, bytes) => {
    const folder = join(dirname(path), 'run');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'history.jsonl'), bytes);
    await readHistory(folder);
  },
};

const ENSEMBLE = { format: 1, mean: 'geometric', tta: 'flip', temperature: 1.5, members: [{ run: 'a', weight: 1 }, { run: '../b', weight: 0.5 }] }; // prettier-ignore

const ensemble: Target = {
  name: 'ensemble',
  extension: '.json',
  share: 0.5,
  prepare: async () => (random) => mutateText([JSON.stringify(ENSEMBLE)], INFO_WORDS, random),
  read: async (path) => void (await ensembleOf([path])),
};

const SEARCH = {
  format: 1,
  search: {
    settings: RECIPE,
    ...tuneSchema.parse({ ranges: { 'schedule.rate': '1e-4..1e-2:log' }, trials: 3 }),
  },
  monitor: 'macroF1',
  data: { train: 8, validation: 4, classNames: ['daisy', 'rose'] },
  trials: [{ number: 1, values: { 'schedule.rate': 0.01 }, state: 'pruned', epochs: 2, scores: [0.5], seconds: 2 }],
};

const search: Target = {
  name: 'search',
  extension: '.json',
  share: 0.5,
  prepare: async () => (random) => mutateText([JSON.stringify(SEARCH)], INFO_WORDS, random),
  read: async (path, bytes) => {
    const folder = join(dirname(path), 'search');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, TUNE_FILE), bytes);
    await readTuneFile(folder);
  },
};

const wheel: Target = {
  name: 'wheel',
  extension: '.whl',
  async prepare() {
    const archive = new yazl.ZipFile();
    archive.addBuffer(Buffer.alloc(3000, 'plugin '), 'package/plugin.so');
    archive.addBuffer(Buffer.from('Name: package\n'), 'package-1.dist-info/METADATA', { compress: false });
    archive.end();
    const whole = await buffer(archive.outputStream);
    return (random) => mutate([whole], random);
  },
  read: async (path) => {
    const target = `${path}.out`;
    try {
      await extractMember(path, 'package/plugin.so', target);
    } finally {
      await rm(target, { force: true });
    }
  },
};

export const settingTargets: readonly Target[] = [recipe, checkpoint, diverged, history, ensemble, search, wheel];
