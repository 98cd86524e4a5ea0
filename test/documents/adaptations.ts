import { DEFAULT_PORT } from '../../src/serve/index.ts';
import { SHORT, SMALL_CNN } from './stand-ins.ts';

/** What a document's commands find when the first of them runs, and what of the machine they name. */
export const FOUND: Readonly<Record<string, readonly string[]>> = {
  'README.md': ['photos', 'rose.jpg', 'my-weights.h5', 'efficientnet-lite0.safetensors', 'efficientnet-b0.safetensors', 'flowers102', 'tf_flowers'], // prettier-ignore
  'docs/command-line.md': ['flowers', 'tf_flowers', 'my-recipe.yaml', 'efficientnet-lite0.safetensors'],
  'docs/errors.md': ['photos', 'labels.csv', 'runs/first as runs/a', 'runs/second as runs/b'],
  'docs/export.md': ['runs/first'],
  'docs/how-to.md': ['photos', 'labels.csv', 'beans', 'old-records', 'species.txt', 'my-recipe.yaml', 'my-recipe.yaml as a.yaml', 'my-recipe.yaml as b.yaml', 'runs/first', 'runs/folds'], // prettier-ignore
  'docs/kaggle.md': ['petals as kaggle/input/tpu-getting-started/tfrecords-jpeg-512x512', 'runs/first as kaggle/input/my-notebook/densenet201', 'flowers as content/petals'], // prettier-ignore
  'docs/measurements.md': ['flowers102', 'tf_flowers', 'efficientnet-lite0.safetensors'],
  'docs/reliability.md': ['runs/diverged'],
  'docs/serving.md': ['runs/first', 'runs/second', 'ensemble.json', 'rose.jpg'],
  'docs/tpu.md': ['runs/first', 'flowers', 'my-recipe.yaml', 'my-recipe.yaml as recipe.yaml'],
  'docs/tutorial.md': ['photos', 'rose.jpg', 'efficientnet-lite0.safetensors'],
  'docs/xla.md': ['runs/first'],
};

/** How commands are changed so that they can run here, in seconds. */
export interface Adaptation {
  readonly of: RegExp;
  readonly replace?: readonly (readonly [string | RegExp, string])[];
  /** Stand-ins that are put there before it, in place of what commands before it have made. */
  readonly finds?: readonly string[];
  /** Words that are put behind it: the last one of a flag counts. */
  readonly more?: string;
  /** What it must print. */
  readonly prints?: RegExp;
}

/** All that fit are made, in this order. */
export const ADAPTATIONS: readonly Adaptation[] = [
  // Names that stand for a user's own.
  { of: /data check flowers --deep/, finds: ['flowers'] },
  { of: /--soup/, finds: ['runs/first as runs/a', 'runs/second as runs/b', 'runs/second as runs/c'] },
  { of: /snapshot-\*/, finds: ['runs/snapshots as runs/a'] },
  { of: /sepal debug/, replace: [[/\bRUN\b/, 'runs/diverged']] },
  { of: /RUN|DIR|RECIPE/, replace: [['RECIPE|RUN', 'runs/first'], [/\bRUN\b/, 'runs/first'], [/\bDIR\b/, 'flowers']] }, // prettier-ignore
  { of: /\/(?:kaggle|content)\//, replace: [[/\/(kaggle|content)\//g, '$1/']] },

  { of: /sepal (?:-- )?(?:train|tune) (?!flowers102-lite0)/, more: SHORT },
  { of: /sepal -- train flowers102-lite0/, more: SHORT.replace(/--epochs \d+/, '') },
  {
    of: /train flowers102-lite0/,
    more: '--set phases.0.epochs=1 phases.1.epochs=1 phases.1.featureViews=1 phases.1.freeze=backbone',
  },
  {
    of: /(?:train|tune) (?:cnn|tf-flowers-cnn|(?:my-recipe|a|b).yaml|runs\/tuned\/best.yaml)(?!.*--model)/,
    more: SMALL_CNN,
  },
  { of: /sepal (?:-- )?tune /, more: '--trials 2 --min-epochs 1', prints: /^\s*1 .*\d/m },
  { of: /batchSize=16\.\.64:step=16/, replace: [['16..64:step=16', '4..8:step=4']] },
  { of: /--folds 5/, more: '--folds 2' },
  // The weights that would be downloaded.
  { of: /(?:train|tune) (?:tf-flowers-frozen|flowers102-lite0)/, more: '--weights efficientnet-lite0.safetensors' },
  { of: /--model efficientnet-b0 --weights imagenet/, more: '--weights efficientnet-b0.safetensors' },
  // A network that is compiled in seconds; docs/tpu.md says what the large ones take.
  {
    of: /sepal plan /,
    more: `--model cnn --size 16 --batch-size 8 --programs train --set 'model.options={depth: 1, width: 4}'`,
    prints: /v\d/,
  },
  {
    of: /sepal plan .*--per-replica/,
    replace: [
      ['--per-replica 16', '--per-replica 1'],
      ['v5e-32 v5e-256', ''],
    ],
  },
  { of: /train .*--model densenet201/, more: `--model cnn ${SMALL_CNN}` },

  { of: /sepal (?:-- )?predict /, more: '--device cpu', prints: /(?:daisy|rose|tulip).*\d/ },
  { of: /sepal (?:evaluate|submit) /, more: '--device cpu', prints: /macro F1|submission.csv/ },
  { of: /sepal ensemble /, more: '--device cpu', prints: /macro F1/ },
  { of: /sepal debug /, more: '--device cpu' },
  {
    of: /sepal profile /,
    more: `--device cpu --classes 3 --repeats 1 --size 16 --batch-size 2 --set 'optimizer.name=sgd' 'model.options={depth: 1, width: 4}'`,
  },
  { of: /sepal (?:-- )?data info /, prints: /\btrain\b/ },
  { of: /sepal (?:-- )?data make /, more: '--train 12 --val 4 --test 4' },
  { of: /sepal data show /, more: '--rows 2 --columns 2 --device cpu' },
  { of: /sepal (?:-- )?serve /, more: '--device cpu --port 0 --batch-sizes 1 --allow-range 127.0.0.0/8' },
  { of: /^curl .*api\/predict/, replace: [[`http://127.0.0.1:${DEFAULT_PORT}`, '$URL'], ['https://example.org/rose.jpg', '$PHOTO']], more: '--fail --silent', prints: /"name":\s*"(?:daisy|rose|tulip)"/ }, // prettier-ignore
  { of: /\| kubectl apply -f -/, replace: [['kubectl apply -f -', 'cat']], prints: /kind: JobSet/ },

  { of: /completion bash/, more: '&& complete -p sepal', prints: /sepal/ },
  { of: /completion zsh/, replace: [[/^.*$/, `zsh -f -c 'compdef() { print "$*"; }; $&'`]], prints: /sepal/ },
  { of: /completion fish/, replace: [[/^.*$/, `fish -c '$&; complete --command sepal'`]], prints: /sepal/ },
  { of: /export SEPAL_PLUGIN_PATH/, replace: [[/\/opt\/xla\/\w+\.so/, '$CPU_PLUGIN'], [/:tpu=.*/, '']], more: '&& sepal plugin where cpu', prints: /\.so/ }, // prettier-ignore

  { of: /npm run load$/, more: '-- --model cnn --size 32 --seconds 0.3 --requests 0' },
  { of: /npm run parity:onnx$/, more: '-- cnn', prints: /1 models, 0 failed/ },
];

/** What is run for a command. */
export interface Adapted {
  readonly line: string;
  readonly finds: readonly string[];
  /** What it must print, all of them. */
  readonly prints: readonly RegExp[];
}

export function adapt(command: string): Adapted {
  const fitting = ADAPTATIONS.filter(({ of }) => of.test(command));
  let line = command;
  for (const { replace = [], more } of fitting) {
    for (const [from, to] of replace) line = line.replace(from, to);
    if (more !== undefined) line = line.replace(/(?= \| |$)/, ` ${more}`);
  }
  return {
    line,
    finds: fitting.flatMap(({ finds = [] }) => finds),
    prints: fitting.flatMap(({ prints = [] }) => prints),
  };
}
