import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { readEnsemble, writeEnsemble } from '../../train/index.ts';
import { readOutOfFold, writeOutOfFold } from './out-of-fold.ts';
import { submissionCsv } from './submission.ts';
import { summarize, summaryText } from './summary.ts';

suite('an ensemble of runs', () => {
  test('stands in a file whose runs are found from wherever it is read', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sepal-ensemble-'));
    try {
      const path = join(folder, 'both', 'ensemble.json');
      const members = [
        { run: join(folder, 'runs', 'a'), weight: 0.75 },
        { run: join(folder, 'both', 'b'), weight: 0.25 },
      ];
      const ensemble = {
        format: 1 as const,
        mean: 'geometric' as const,
        tta: 'flip' as const,
        temperature: 1.5,
        members,
      };
      await writeEnsemble(path, ensemble);
      assert.deepEqual(await readEnsemble(path), ensemble);
      assert.match(await readFile(path, 'utf8'), /"run": "..\/runs\/a"/);
      await writeFile(path, '{"format": 1, "mean": "harmonic"}');
      await assert.rejects(readEnsemble(path), { code: 'ENSEMBLE_FILE', message: /mean/ });
      await writeFile(path, '{');
      await assert.rejects(readEnsemble(path), { code: 'ENSEMBLE_FILE', message: /is no JSON/ });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('says what each member adds, and what weights reach that were searched elsewhere', () => {
    const labels = Int32Array.from({ length: 40 }, (_, n) => n % 2);
    // The first member knows the even examples of the class 0 only, the second all but a few.
    const member = (path: string, right: (n: number) => boolean, sure: number) => ({
      path,
      classNames: ['rose', 'tulip'],
      ids: Array.from(labels, (_, n) => String(n)),
      hasIds: true,
      labels,
      probabilities: Float32Array.from(
        Array.from(labels, (label, n) => {
          const own = right(n) ? sure : 1 - sure;
          return label === 0 ? [own, 1 - own] : [1 - own, own];
        }).flat(),
      ),
    });
    const members = [member('runs/a', (n) => n < 10, 0.9), member('runs/b', (n) => n >= 8, 0.8)];
    const found = summarize(members, 'arithmetic', undefined);
    assert.equal(found.members[1].macroF1, 0.8);
    assert.ok(found.macroF1 >= 0.8);
    assert.equal(found.members[0].withoutIt, 0.8);
    assert.ok(found.heldOut !== undefined && found.heldOut <= found.macroF1);
    const text = summaryText(found, 'val');
    assert.match(text, /held out {2}macro F1/);
    const given = summarize(members, 'arithmetic', [1, 0]);
    assert.equal(given.heldOut, undefined);
    assert.equal(given.macroF1, given.members[0].macroF1);
    assert.equal(given.members[0].withoutIt, undefined);
  });

  test('predicts every id once; pictures without one, with the same one or without prediction are refused', () => {
    const rows = Float32Array.of(0.1, 0.9, 0.8, 0.2, 0.5, 0.5);
    const of = (...ids: string[]) => ({ ids, hasIds: true, classNames: ['rose', 'tulip'] });
    assert.equal(submissionCsv(of('a', 'b', 'c,d'), rows, 'test'), 'id,label\na,1\nb,0\n"c,d",0\n');
    assert.throws(() => submissionCsv(of('a', 'b', 'a'), rows, 'test'), { code: 'IDS', message: /same id "a"/ });
    assert.throws(() => submissionCsv(of('a', '', 'c'), rows, 'test'), { code: 'IDS', message: /has no id/ });
    const unnamed = { ...of('a.tfrec#0', 'a.tfrec#1', 'a.tfrec#2'), hasIds: false };
    assert.throws(() => submissionCsv(unnamed, rows, 'test'), { code: 'IDS', message: /not every picture has an id/ });
    assert.throws(() => submissionCsv(of('a', 'b', 'c'), new Float32Array(6), 'test'), { code: 'NO_PREDICTION' });
  });

  test('reads what folds said of images that they had not seen, and refuses what is no such file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sepal-folds-'));
    try {
      const said = {
        classNames: ['rose', 'lily, white'],
        ids: ['', 'b "2"', 'c,d\r\ne'],
        labels: Int32Array.of(0, 1, 1),
        probabilities: Float32Array.of(0.9, 0.1, 1 / 3, 2 / 3, 0.5, 0.5),
      };
      await writeOutOfFold(join(folder, 'out-of-fold.csv'), said);
      assert.deepEqual(await readOutOfFold(folder), { path: folder, hasIds: true, ...said });
      await writeFile(join(folder, 'out-of-fold.csv'), 'id,label,rose\na,0,0.5\nb,0\n');
      await assert.rejects(readOutOfFold(folder), { code: 'OUT_OF_FOLD', message: /line 3 is no row/ });
      await assert.rejects(readOutOfFold(join(folder, 'nothing')), { code: 'OUT_OF_FOLD', hint: /--folds/ });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
