import assert from 'node:assert/strict';
import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { readHistory, writeHistory, type HistoryRow } from './history.ts';

const scores = { loss: 0.1 + 0.2, accuracy: 0.5, macroPrecision: 0.5, macroRecall: 0.25, macroF1: 1 / 3 };
const row = (epoch: number): HistoryRow => ({
  epoch,
  step: 10 * epoch,
  learningRate: 1e-3,
  train: scores,
  validation: scores,
  seconds: 1.5,
  imagesPerSecond: 100,
});

suite('the history of a run', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sepal-history-'));
  });
  after(() => rm(folder, { recursive: true }));

  test('is read as it was written, and is empty before the first epoch', async () => {
    assert.deepEqual(await readHistory(join(folder, 'none')), []);
    const rows = [row(1), row(2)];
    await writeHistory(folder, rows);
    assert.deepEqual(await readHistory(folder), rows);
  });

  test('with a line that is no row is refused with its number', async () => {
    await writeHistory(folder, [row(1)]);
    await appendFile(join(folder, 'history.jsonl'), '{"epoch": 2}\n');
    await assert.rejects(readHistory(folder), { code: 'HISTORY', message: /history\.jsonl: line 2 is no row/ });
  });
});
