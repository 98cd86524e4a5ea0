import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { skipWithoutCpuPlugin as skip } from '../../test/backend.ts';
import { writeColouredDataset } from '../../test/coloured-dataset.ts';
import { encodeExample, encodeJpeg, TfrecordWriter } from '../data/index.ts';

const MAIN = join(import.meta.dirname, 'main.ts');

test('a picture that can not be decoded is no mistake, and no hindrance to a report of few', { skip }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sepal-mistakes-'));
  try {
    const data = await writeColouredDataset(join(folder, 'data'), { splits: { train: 24, val: 6 } });
    await using writer = await TfrecordWriter.create(join(data, 'val'));
    const whole = encodeJpeg({ rgb: new Uint8Array(16 * 16 * 3), size: 16, quality: 90 });
    await writer.write(encodeExample({ image: whole.subarray(0, 100), class: 2, id: 'cut-off' }));
    await writer.finish('01-16x16-1.tfrec');
    const run = join(folder, 'run');
    const settings = ['--size', '16', '--epochs', '1', '--batch-size', '8', '--set', 'model.options.depth=1'];
    const args = [
      'train',
      'cnn',
      '--data',
      data,
      '--out',
      run,
      ...settings,
      '--device',
      'cpu',
      '--bad-records',
      'skip',
    ];
    const { status, stderr } = spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    const report = await readFile(join(run, 'report.html'), 'utf8');
    assert.doesNotMatch(report, /cut-off/);
  } finally {
    await rm(folder, { recursive: true });
  }
});
