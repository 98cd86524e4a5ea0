import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { z } from 'zod';
import { formatBytes } from '../src/base/index.ts';
import { parseCount, parsePositive } from '../src/cli/numbers.ts';
import { resolveWeights } from '../src/models/index.ts';
import { scriptCommand } from '../scripts/script-command.ts';
import { findPython, runPeer } from './python.ts';
import { toMarkdown } from './row.ts';

const ROOT = join(import.meta.dirname, '..');
const DATA = join(ROOT, '..', 'shared', 'data');

const Peer = z.object({
  system: z.string(),
  seconds: z.number(),
  peakRssBytes: z.number(),
  epochs: z.array(z.object({ accuracy: z.number(), seconds: z.number() })).optional(),
});

/** A whole run of one system, from the start of its process to its end. */
interface WholeRun {
  readonly system: string;
  readonly seconds: number;
  readonly peakRssBytes: number;
  /** Of the last epoch, where weights are not random. */
  readonly accuracy: number | undefined;
  readonly epochs: number;
}

/**
 * `npm run bench -- frozen`: ten epochs of a new head on a frozen EfficientNet-Lite0, beside Keras on TensorFlow that does
 * the same. Both times are of whole processes, the start, the decoding and the validation in them.
 */
export const frozenBench = scriptCommand(
  'frozen',
  'ten epochs of a new head on frozen features, beside Keras on TensorFlow',
  'npm run bench -- frozen',
)
  .option('--data <dir>', 'TFRecords', join(DATA, 'tf_flowers'))
  .option('--json', 'print the rows as JSON')
  .action(benchFrozen);

async function benchFrozen({ data, json = false }: { readonly data: string; readonly json?: boolean }): Promise<void> {
  findPython();
  const sepal = await runSepal('tf-flowers-frozen', data);
  const peer = Peer.parse(await runPeer('frozen_keras.py', [data, String(sepal.epochs), '192', '32']));
  print('frozen', [sepal, { ...peer, accuracy: undefined, epochs: sepal.epochs }], json);
}

/**
 * `npm run bench -- finetune`: seconds from process start until EfficientNet-Lite0 has come from its ImageNet weights to an
 * accuracy on validation. Sepal trains a head and the later stages on views of the photos that went through the earlier ones
 * once, and does all its epochs; PyTorch fine-tunes the whole network and stops after the epoch that reaches it.
 */
export const finetuneBench = scriptCommand(
  'finetune',
  'from ImageNet weights to an accuracy on flowers102, beside PyTorch; about 25 minutes',
  'npm run bench -- finetune --target 0.98',
)
  .option('--data <dir>', 'TFRecords', join(DATA, 'flowers102'))
  .option('--classes <n>', 'of the data', parseCount, 102)
  .option('--target <accuracy>', 'at which PyTorch stops', parsePositive, 0.98)
  .option('--epochs <n>', 'after which PyTorch stops at the latest', parseCount, 4)
  .option('--json', 'print the rows as JSON')
  .action(benchFinetune);

interface FinetuneFlags {
  readonly data: string;
  readonly classes: number;
  readonly target: number;
  readonly epochs: number;
  readonly json?: boolean;
}

async function benchFinetune({ data, classes, target, epochs, json = false }: FinetuneFlags): Promise<void> {
  findPython();
  const weights = await resolveWeights('efficientnet-lite0', 'imagenet');
  const sepal = await runSepal('flowers102-finetune', data);
  const peer = Peer.parse(
    await runPeer('finetune_torch.py', [data, classes, weights?.path ?? '', epochs, 192, 32, target].map(String)), // prettier-ignore
  );
  const runs: WholeRun[] = [
    sepal,
    { ...peer, accuracy: peer.epochs?.at(-1)?.accuracy, epochs: peer.epochs?.length ?? 0 },
  ];
  print('finetune', runs, json);
}

const HistoryRow = z.object({ epoch: z.number(), validation: z.object({ accuracy: z.number() }) });

async function runSepal(recipe: string, data: string): Promise<WholeRun> {
  const out = await mkdtemp(join(tmpdir(), 'sepal-bench-'));
  try {
    const started = performance.now();
    const main = join(ROOT, 'src', 'cli', 'main.ts');
    const flags = ['train', recipe, '--data', data, '--out', out, '--device', 'cpu', '--no-report'];
    const memory = join(import.meta.dirname, 'peak-memory.ts');
    const { stdout } = await execa(process.execPath, ['--import', memory, main, ...flags], { stderr: 'inherit' });
    const seconds = (performance.now() - started) / 1000;
    const rows = (await readFile(join(out, 'history.jsonl'), 'utf8')).trim().split('\n');
    const history = rows.map((line) => HistoryRow.parse(JSON.parse(line)));
    const peakRssBytes = Number(stdout.trim().split('\n').at(-1));
    return {
      system: 'Sepal',
      seconds,
      peakRssBytes,
      accuracy: history.at(-1)?.validation.accuracy,
      epochs: history.length,
    };
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}

function print(name: string, runs: readonly WholeRun[], json: boolean): void {
  const [sepal, ...peers] = runs;
  const fastest = Math.min(...peers.map(({ seconds }) => seconds));
  if (json) {
    console.log(
      JSON.stringify(
        runs.map((run) => ({ case: name, ...run })),
        null,
        2,
      ),
    );
    return;
  }
  const body = runs.map(({ system, seconds, peakRssBytes, accuracy, epochs }) => [
    system,
    String(epochs),
    seconds.toFixed(1),
    accuracy === undefined ? '–' : accuracy.toFixed(4),
    formatBytes(peakRssBytes),
  ]);
  console.log(toMarkdown([['system', 'epochs', 'seconds', 'validation accuracy', 'peak memory'], ...body]));
  console.log(`\nSepal is ${(fastest / sepal.seconds).toFixed(2)} times as fast.`);
}
