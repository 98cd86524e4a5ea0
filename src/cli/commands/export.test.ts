import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { runOnnx } from '../../../test/onnx-runtime.ts';
import { writeUntrainedRun } from '../../../test/untrained-run.ts';
import { readSafetensors } from '../../models/index.ts';
import { readTrainedModel } from '../../train/index.ts';

const MAIN = join(import.meta.dirname, '..', 'main.ts');

suite('sepal export', () => {
  let folder: string;
  let run: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sepal-export-'));
    run = await writeUntrainedRun(join(folder, 'run'));
  });
  after(() => rm(folder, { recursive: true }));

  const sepal = (...args: string[]) => spawnSync(process.execPath, [MAIN, 'export', ...args], { encoding: 'utf8' });
  const at = (name: string) => join(folder, name);

  test('onnx: a file that ONNX Runtime runs', async () => {
    const { status, stdout, stderr } = sepal(run, '--format', 'onnx', '--out', at('a.onnx'), '--json');
    assert.equal(status, 0, stderr);
    const { for: reader, ...rest } = JSON.parse(stdout) as Record<string, unknown>;
    assert.deepEqual(rest, { format: 'onnx', architecture: 'cnn', files: [at('a.onnx')] });
    assert.match(String(reader), /^ONNX Runtime \(/);
    const { model } = await readTrainedModel(run);
    const { probabilities } = await runOnnx(await readFile(at('a.onnx')), new Uint8Array(32 * 32 * 3), { model });
    assert.equal(probabilities.length, 3);
    assert.ok(Math.abs(probabilities.reduce((a, b) => a + b) - 1) < 1e-5);
  });

  test('stablehlo: the program as text, for a batch', async () => {
    const { status, stderr } = sepal(run, '--format', 'stablehlo', '--out', at('a.mlir'), '--batch-size', '4');
    assert.equal(status, 0, stderr);
    assert.match(await readFile(at('a.mlir'), 'utf8'), /func\.func public @main\(%arg0: tensor<4x32x32x3xui8>/);
  });

  test('timm: weights with the classes beside them', async () => {
    const lite = await writeUntrainedRun(join(folder, 'lite'), { name: 'efficientnet-lite0' });
    const { status, stdout, stderr } = sepal(lite, '--format', 'timm', '--out', at('lite.safetensors'));
    assert.equal(status, 0, stderr);
    assert.equal(stdout.trim(), at('lite.safetensors'));
    assert.match(stderr, /for {5}timm tf_efficientnet_lite0, 3 classes/);
    const { tensors, metadata } = await readSafetensors(at('lite.safetensors'));
    assert.deepEqual(tensors.get('classifier.weight')?.shape, [3, 1280]);
    assert.equal(metadata.label_names, '["daisy","rose","tulip"]');
  });

  const refused: readonly (readonly [string, string[], RegExp, status?: number])[] = [
    [
      'a network that timm has not',
      ['--format', 'timm', '--out', 'x.safetensors'],
      /timm has no network .*\n {2}hint: /,
    ],
    ['a flag of another format', ['--format', 'onnx', '--out', 'x.onnx', '--batch-size', '2'], /--batch-size means nothing to --format onnx/, 2], // prettier-ignore
    ['another ending', ['--format', 'keras', '--out', 'x.onnx'], /another ending than files of this format; expected \.weights\.h5/], // prettier-ignore
  ];
  for (const [what, args, message, expected = 1] of refused) {
    test(`${what} is refused, and nothing is written`, async () => {
      const files = await readdir(folder);
      const places = args.map((arg) => (arg.startsWith('x.') ? at(arg) : arg));
      const { status, stderr } = sepal(run, ...places);
      assert.equal(status, expected, stderr);
      assert.match(stderr, message);
      assert.deepEqual(await readdir(folder), files);
    });
  }

  test('a format that there is not is a wrong command line', () => {
    const { status, stderr } = sepal(run, '--format', 'tflite', '--out', at('x'));
    assert.equal(status, 2);
    assert.match(stderr, /Allowed choices are timm, torchvision, keras, onnx, web, stablehlo/);
  });
});
