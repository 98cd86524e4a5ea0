import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { exampleReport } from './example-report.ts';
import { MetricsError } from '../metrics/index.ts';
import type { ReportData } from './report-data.ts';
import { marginFor } from './line-chart.ts';
import { renderReport, writeReport } from './report.ts';

const FLOWERS = ['daisy', 'dandelion', 'roses', 'sunflowers', 'tulips'];
const many = (count: number) => Array.from({ length: count }, (_, i) => `flower number ${i}`);

const evaluation = (report: ReportData): ReportData => ({ ...report, history: [], training: undefined });

/** Nothing a reader could take for a value that is none. */
function assertNoMissing(page: string): void {
  const text = page.replaceAll(/base64,[^"]*/g, '');
  assert.doesNotMatch(text, /NaN|Infinity|undefined|null|\[object/);
}

test('the written file is the rendered text', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sepal-report-'));
  try {
    const report = exampleReport({ classNames: FLOWERS, epochs: 3 });
    const path = join(folder, 'new', 'report.html');
    await writeReport(report, path);
    assert.equal(await readFile(path, 'utf8'), renderReport(report));
  } finally {
    await rm(folder, { recursive: true });
  }
});

for (const [epochs, classes] of [
  [1, 5],
  [2, 2],
  [500, 104],
  [3, 1],
]) {
  test(`${epochs} epochs of ${classes} classes make a page of sane size`, () => {
    const page = renderReport(exampleReport({ classNames: many(classes), epochs }));
    assertNoMissing(page);
    assert.ok(page.length < 1_000_000, `${page.length} characters`);
    assert.equal(page.match(/<tr>/g)?.length, classes + 1);
  });
}

test('an evaluation has no curves and says what it is', () => {
  const page = renderReport(evaluation(exampleReport({ classNames: FLOWERS, epochs: 0 })));
  assertNoMissing(page);
  assert.match(page, /Evaluation report/);
  assert.doesNotMatch(page, /id="curves"|Training time/);
});

test('names, ids and settings are text, whatever they hold', () => {
  const nasty = `"><script>alert('x')</script><b a='`;
  const report = exampleReport({ classNames: [nasty, 'roses', `${nasty}2`], epochs: 2 });
  const page = renderReport({
    ...report,
    name: nasty,
    split: nasty,
    recipe: nasty,
    mistakes: report.mistakes.map((mistake) => ({ ...mistake, id: nasty })),
    device: { ...report.device, kind: nasty },
    data: { name: nasty, images: { [nasty]: 1 } },
    reproducibility: { ...report.reproducibility, command: nasty },
  });
  assert.equal(page.match(/<script/g)?.length, 1);
  assert.doesNotMatch(page, /alert\('|<b a=/);
  assert.match(renderReport({ ...report, recipe: { [nasty]: nasty } }), /<dt>&quot;&gt;&lt;script/);
});

test('a perfect model has no mistakes to show, an unmeasured one no verdict', () => {
  const report = exampleReport({ classNames: ['a', 'b'], epochs: 2 });
  const perfect = renderReport({ ...report, confusion: [4, 0, 0, 6], mistakes: [], confusedPhotos: [] });
  assert.match(perfect, /None: all 10 images were classified correctly/);
  assert.doesNotMatch(perfect, /Mixed up most often|weakest/);
  const empty = renderReport({ ...report, confusion: [0, 0, 0, 0], mistakes: [], calibration: [] });
  assert.match(empty, /holds no images/);
  assertNoMissing(empty);
});

test('mistakes whose photos were not kept are still counted', () => {
  const report = exampleReport({ classNames: ['a', 'b'], epochs: 2 });
  assert.match(renderReport({ ...report, confusion: [4, 1, 0, 6], mistakes: [] }), /1 image got a wrong name/);
});

test('what is neither JPEG nor PNG is not embedded', () => {
  const svg = Buffer.from('<svg onload="alert(1)"/>');
  const page = renderReport(exampleReport({ classNames: FLOWERS, epochs: 1, images: [svg] }));
  assert.match(page, /no JPEG or PNG/);
  assert.doesNotMatch(page, /<img/);
});

test('a run that diverged is drawn as far as it went, and says so', () => {
  const report = exampleReport({ classNames: FLOWERS, epochs: 6 });
  const history = report.history.map((row) =>
    row.epoch < 4 ? row : { ...row, train: { ...row.train, loss: NaN }, validation: { ...row.validation, loss: NaN } },
  );
  const page = renderReport({ ...report, history, loss: NaN });
  assert.match(page, /stopped being a number in epoch 4/);
  assertNoMissing(page);
});

test('a learning rate known by step is drawn over steps', () => {
  const report = exampleReport({ classNames: FLOWERS, epochs: 3 });
  const learningRates = Array.from({ length: 20_000 }, (_, step) => ({ step, learningRate: 1e-3 / (1 + step) }));
  const page = renderReport({ ...report, learningRates });
  assert.match(page, /Learning rate by step: .* best at step 120/);
  assert.ok(page.length < 250_000, `${page.length} characters`);
});

test('what spoke for a mistake is shown where it is known, and can be turned off', () => {
  const report = exampleReport({ classNames: FLOWERS, epochs: 1 });
  const page = renderReport(report);
  assert.match(page, /<input type="checkbox" id="show-heat"/);
  assert.equal(page.match(/class="heat"/g)?.length, Math.ceil(report.mistakes.length / 2) + 3);
  assert.equal(page.match(/class="strip"/g)?.length, 3);
  const bare = report.mistakes.map((mistake) => ({ ...mistake, heat: undefined }));
  assert.doesNotMatch(renderReport({ ...report, mistakes: bare, confusedPhotos: [] }), /show-heat"|class="heat"/);
});

test('layers are drawn and listed where they are known', () => {
  const report = exampleReport({ classNames: FLOWERS, epochs: 1 });
  assert.doesNotMatch(renderReport(report), /id="layers"/);
  const weights = { norm: 2, gradientNorm: 1e-5 };
  const layers = [
    { layer: 'block1/conv1', mean: 0.1, std: 1.5, zeros: 0, outputGradient: 1e-7, weights },
    { layer: 'block1', mean: 0.4, std: 0.8, zeros: 0.51, outputGradient: 3e-7 },
    { layer: 'dead<b>', mean: 0, std: 0, zeros: 1, outputGradient: 0 },
  ];
  const page = renderReport({ ...report, layers });
  assertNoMissing(page);
  assert.match(page, /<th scope="row">dead&lt;b&gt;<\/th>\s*<td class="number">0<\/td>/);
  assert.match(page, /51\.0%/);
});

test('counts and mistakes that do not fit the class names are refused', () => {
  const report = exampleReport({ classNames: FLOWERS, epochs: 1 });
  assert.throws(() => renderReport({ ...report, confusion: [1, 2, 3, 4] }), MetricsError);
  const mistakes = [{ ...report.mistakes[0], predicted: 5 }];
  assert.throws(() => renderReport({ ...report, mistakes }), /class without a name/);
});

test('an axis over many powers of ten has exponents, and room for its longest label', () => {
  const layers = [4e-3, 2e-7, 3e-7].map((outputGradient, i) => ({ layer: `l${i}`, mean: 0, std: 1, zeros: 0, outputGradient })); // prettier-ignore
  const page = renderReport({ ...exampleReport({ classNames: ['a', 'b'], epochs: 2 }), layers });
  assert.match(page, />1e-6</);
  assert.doesNotMatch(page, />0\.0000/);
  assert.ok(marginFor(['0.00025']) > marginFor(['0.5']));
});

test('a temperature that changes nothing says so', () => {
  const report = exampleReport({ classNames: ['a', 'b'], epochs: 2 });
  const same = { temperature: 1.01, errorBefore: 0.196, errorAfter: 0.1961, lossBefore: 0.5, lossAfter: 0.5 };
  assert.match(renderReport({ ...report, temperature: same }), /temperature of 1\.01, fitted on these images, changes next to nothing/); // prettier-ignore
  const better = { ...same, errorAfter: 0.1 };
  assert.match(renderReport({ ...report, temperature: better }), /an error of 0\.100 instead of 0\.196 and a log loss of 0\.500 as before/); // prettier-ignore
});
