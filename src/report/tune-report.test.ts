import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exampleSearch } from './example-search.ts';
import { renderTuneReport } from './tune-report.ts';

const assertWhole = (page: string) => assert.doesNotMatch(page, /NaN|Infinity|undefined|null|\[object/);

for (const count of [0, 1, 2, 30, 400]) {
  test(`a search of ${count} trials makes a whole page`, () => {
    const page = renderTuneReport(exampleSearch(count));
    assertWhole(page);
    // A point in the chart of all, and one over each setting.
    const points = page.match(/<circle class="trial/g)?.length ?? 0;
    assert.ok(points >= 4 * count, `${points} points`);
    assert.equal(page.match(/<th scope="row">/g)?.length ?? 0, count);
    assert.ok(page.length < 1_500_000, `${page.length} characters`);
  });
}

test('few trials and epochs are counted by whole numbers, and one that fell behind is one', () => {
  const search = exampleSearch(3);
  const trials = search.trials.map((trial, i) => ({ ...trial, state: i === 2 ? ('pruned' as const) : ('complete' as const), scores: trial.scores.slice(0, 3) })); // prettier-ignore
  const page = renderTuneReport({ ...search, trials });
  assert.match(page, /1 fell behind and was pruned/);
  const charts = page.slice(page.indexOf('<figcaption>Best so far'), page.indexOf('<h2>Settings'));
  const texts = [...charts.matchAll(/text-anchor="middle"\s*>([^<]+)</g)].map(([, text]) => text);
  assert.ok(texts.includes('2'));
  assert.deepEqual(
    texts.filter((text) => !/^\d+$/.test(text)),
    [],
  );
});

test('what users write is text, and trials without a score are named, not drawn', () => {
  const nasty = `"><script>alert('x')</script>`;
  const search = exampleSearch(3);
  const [first, ...rest] = search.trials;
  const page = renderTuneReport({
    ...search,
    name: nasty,
    command: nasty,
    recipe: nasty,
    ranges: search.ranges.map((range) => ({ ...range, path: nasty, text: nasty })),
    trials: [{ ...first, values: [0.1, 0.2, nasty] }, ...rest, { ...first, number: 9, best: undefined, scores: [], state: 'failed', problem: nasty }], // prettier-ignore
  });
  assert.equal(page.match(/<script/g)?.length, 1);
  assert.match(page, /failed: &quot;/);
  assert.match(page, /1 failed/);
  assertWhole(page);
});

test('the least loss is the best', () => {
  const search = exampleSearch(5);
  const [first] = search.trials;
  const failed = { ...first, number: 9, best: undefined, scores: [], state: 'failed' as const, problem: 'no room' };
  const page = renderTuneReport({ ...search, trials: [...search.trials, failed], monitor: 'validation loss', isLoss: true }); // prettier-ignore
  assert.match(page, /aria-sort="ascending"><button type="button">loss/);
  // A click on the heading leaves a trial without a loss at the end.
  const losses = [...page.matchAll(/<th scope="row">\d+<\/th>\s+<td class="number" data-value="([^"]+)">/g)].map(([, value]) => Number(value)); // prettier-ignore
  assert.equal(Math.max(...losses), losses.at(-1));
  assert.equal(losses.length, 6);
  assertWhole(page);
});
