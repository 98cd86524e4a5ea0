import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fromBinary } from '@bufbuild/protobuf';
import { EventSchema, type Event } from './event_pb.ts';
import { EventWriter, RunEvents } from './index.ts';

const PYTHON = process.env.SEPAL_BENCH_PYTHON ?? join(import.meta.dirname, '..', '..', '.venv', 'bin', 'python');

const scores = (loss: number) => ({ loss, accuracy: 0.5, macroPrecision: 0.25, macroRecall: 0.75, macroF1: 0.375 });
const row = (step: number) => ({
  step,
  learningRate: 0.001,
  train: scores(8 / step),
  validation: scores(16 / step),
  imagesPerSecond: 80,
});

/** Writes a run of three epochs of which the third is done again after a resume. */
async function writeRun(folder: string): Promise<void> {
  const first = await RunEvents.open(folder, 'model: cnn\nepochs: 3\n');
  for (const step of [8, 16, 24]) await first.write(row(step));
  await first.close();
  const again = await RunEvents.open(folder, 'model: cnn\nepochs: 3\n', 17);
  await again.write(row(32));
  await again.close();
}

/** The records of an event file, by their lengths; their checksums are TensorBoard's to check. */
async function readEvents(path: string): Promise<Event[]> {
  const bytes = await readFile(path);
  const events: Event[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = Number(bytes.readBigUInt64LE(at));
    events.push(fromBinary(EventSchema, bytes.subarray(at + 12, at + 12 + length)));
    at += 16 + length;
  }
  return events;
}

suite('event files', () => {
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sepal-tensorboard-'));
    await writeRun(folder);
  });

  after(async () => rm(folder, { recursive: true }));

  test('a run that goes on begins a file that takes back the steps it does again', async () => {
    const names = (await readdir(join(folder, 'validation'))).toSorted();
    assert.equal(names.length, 2);
    const [first, again] = await Promise.all(names.map(async (name) => readEvents(join(folder, 'validation', name))));
    assert.deepEqual(
      first.map(({ step, what }) => [Number(step), what.case]),
      [
        [0, 'fileVersion'],
        [0, 'sessionLog'],
        [8, 'summary'],
        [16, 'summary'],
        [24, 'summary'],
      ],
    );
    assert.deepEqual(
      again.map(({ step, what }) => [Number(step), what.case]),
      [
        [0, 'fileVersion'],
        [17, 'sessionLog'],
        [32, 'summary'],
      ],
    );
  });

  test('a folder that can not be written to is named', async () => {
    const path = join(folder, 'validation', (await readdir(join(folder, 'validation')))[0]);
    await assert.rejects(EventWriter.open(path), (error: Error) => error.message.includes('validation'));
  });

  test('TensorBoard shows the run', { skip: whyNoTensorboard(), timeout: 240_000 }, async () => {
    const events = await EventWriter.open(join(folder, 'pictures'));
    const png = Buffer.from(
      'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
      'base64',
    );
    await events.writeImage(1, 'augmented', { height: 1, width: 1, bytes: png });
    await events.close();

    const server = spawn(PYTHON, ['-m', 'tensorboard.main', '--logdir', folder, '--port', '0', '--load_fast', 'false']);
    try {
      const url = await addressOf(server.stderr);
      const get = async (path: string): Promise<unknown> => (await fetch(`${url}data/plugin/${path}`)).json();
      await until(async () => 'pictures' in ((await get('images/tags')) as object));
      const tags = (await get('scalars/tags')) as Record<string, Record<string, unknown>>;
      assert.deepEqual(Object.keys(tags).toSorted(), ['train', 'validation']);
      assert.deepEqual(Object.keys(tags.train).toSorted(), [
        'accuracy',
        'images_per_second',
        'learning_rate',
        'loss',
        'macro_f1',
        'macro_precision',
        'macro_recall',
      ]);
      const losses = (await get('scalars/scalars?run=validation&tag=loss')) as [number, number, number][];
      assert.deepEqual(
        losses.map(([, step, loss]) => [step, loss]),
        [
          [8, 2],
          [16, 1],
          [32, 0.5],
        ],
        'step 24 was done again and is forgotten',
      );
      const [text] = (await get('text/text?run=train&tag=recipe')) as { readonly text: string }[];
      assert.match(text.text, /model: cnn\s+epochs: 3/);
    } finally {
      server.kill();
    }
  });
});

/** False where TensorBoard can be started. */
function whyNoTensorboard(): string | false {
  if (!existsSync(PYTHON)) return 'no Python with TensorBoard: npm run bench -- setup makes one';
  const found = spawnSync(PYTHON, [
    '-c',
    'import importlib.util as u, sys; sys.exit(u.find_spec("tensorboard") is None)',
  ]);
  return found.status === 0 ? false : 'the Python of the peers has no tensorboard';
}

async function addressOf(output: NodeJS.ReadableStream): Promise<string> {
  let said = '';
  for await (const line of createInterface({ input: output })) {
    said += `${line}\n`;
    const found = /at (http:\/\/\S+)/.exec(line);
    if (found !== null) return found[1].replace(/\/\/[^/:]+/, '//127.0.0.1');
  }
  throw new Error(`TensorBoard ended: ${said}`);
}

async function until(done: () => Promise<boolean>): Promise<void> {
  while (!(await done().catch(() => false))) await sleep(250);
}
