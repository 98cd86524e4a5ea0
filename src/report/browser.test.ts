import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import chromium from '@sparticuz/chromium';
import { chromium as playwright, type Browser, type Page } from 'playwright-core';
import { accessibilityViolations } from '../../test/accessibility.ts';
import { renderComparison, type ComparedRun } from './comparison.ts';
import { exampleReport } from './example-report.ts';
import { exampleSearch } from './example-search.ts';
import { writeReport } from './report.ts';
import { renderTuneReport } from './tune-report.ts';

const NASTY = '<script>document.title="run"</script><img src=x onerror=alert(1)>';
const NAMES = [
  'roses',
  'a<b>bold</b>',
  NASTY,
  'a name that is much longer than any flower has a right to have',
  'daisy',
];

declare const document: {
  readonly title: string;
  readonly images: Iterable<{ readonly naturalWidth: number }>;
  readonly documentElement: { readonly scrollWidth: number; readonly clientWidth: number };
};

// The Chromium of @sparticuz/chromium is built for Linux on x64 only.
const skip = process.platform === 'linux' && process.arch === 'x64' ? false : 'no Chromium for this platform';

suite('the report in Chromium, offline', { skip }, () => {
  let browser: Browser;
  let folder: string;
  let url: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sepal-report-'));
    const file = join(folder, 'report.html');
    await writeReport(exampleReport({ classNames: NAMES, epochs: 12, after: 4 }), file);
    url = pathToFileURL(file).href;
    browser = await playwright.launch({ executablePath: await chromium.executablePath(), args: chromium.args });
  });

  after(async () => {
    await browser.close();
    await rm(folder, { recursive: true });
  });

  async function open(width: number): Promise<{ page: Page; requests: string[]; complaints: string[] }> {
    const page = await browser.newPage({ viewport: { width, height: 800 }, offline: true });
    page.setDefaultTimeout(5000);
    const requests: string[] = [];
    const complaints: string[] = [];
    page.on('request', (request) => requests.push(request.url()));
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('dialog', (dialog) => complaints.push(dialog.message()));
    await page.goto(url, { waitUntil: 'load' });
    return { page, requests, complaints };
  }

  test('it loads nothing but itself and complains of nothing', async () => {
    const { page, requests, complaints } = await open(1200);
    assert.deepEqual(
      requests.filter((request) => !request.startsWith('data:')),
      [url],
    );
    assert.deepEqual(complaints, []);
    const widths = await page.evaluate(() => Array.from(document.images, (image) => image.naturalWidth));
    assert.deepEqual([...new Set(widths)], [8], 'every photo is decoded');
  });

  test('markup in class names is text', async () => {
    const { page } = await open(1200);
    assert.equal(await page.evaluate(() => document.title), 'tf-flowers-cnn · Sepal report');
    assert.equal(await page.locator('script').count(), 1);
    assert.equal(await page.locator('img[src="x"]').count(), 0);
    assert.equal(await page.locator('tbody th', { hasText: NASTY }).count(), 1);
  });

  test('a click on a heading sorts, a second one turns the order round', async () => {
    const { page } = await open(1200);
    const column = async (index: number) =>
      (await page.locator(`tbody tr > :nth-child(${index})`).allInnerTexts()).map((text) => text.trim());
    const ascending = (values: readonly string[]) => values.toSorted((a, b) => Number(a) - Number(b));

    assert.deepEqual(await column(2), ascending(await column(2)), 'worst F1 first');
    const recall = page.getByRole('columnheader', { name: 'Recall' });
    await recall.getByRole('button').click();
    assert.deepEqual((await column(4)).toReversed(), ascending(await column(4)));
    assert.equal(await recall.getAttribute('aria-sort'), 'descending');
    await recall.getByRole('button').click();
    assert.deepEqual(await column(4), ascending(await column(4)));
    await page.getByRole('columnheader', { name: 'Class', exact: true }).getByRole('button').click();
    assert.deepEqual((await column(1)).slice(-2), ['daisy', 'roses']);
    assert.equal(await page.locator('[aria-sort=ascending], [aria-sort=descending]').count(), 1);
  });

  test('the share of a class that was always taken for another one stands in one line', async () => {
    const { page } = await open(1200);
    const share = page.locator('.pairs .share').first();
    const line = await share.boundingBox();
    await share.evaluate((element: { textContent: string }) => (element.textContent = '100.0%'));
    assert.equal((await share.boundingBox())?.height, line?.height);
    const { scrollWidth, clientWidth } = await share.evaluate((element: { scrollWidth: number; clientWidth: number }) => ({ scrollWidth: element.scrollWidth, clientWidth: element.clientWidth })); // prettier-ignore
    assert.equal(scrollWidth, clientWidth);
  });

  for (const width of [320, 360, 800, 1200]) {
    test(`nothing is wider than a screen of ${width} pixels`, async () => {
      const { page } = await open(width);
      const { scrollWidth, clientWidth } = await page.evaluate(() => ({
        scrollWidth: document.documentElement.scrollWidth,
        clientWidth: document.documentElement.clientWidth,
      }));
      assert.equal(scrollWidth, clientWidth);
    });
  }

  const { history } = exampleReport({ classNames: NAMES, epochs: 5 });
  const compared = (name: string, rate: number): ComparedRun => ({
    name,
    model: 'cnn, 192 px',
    parameters: 1e6,
    history,
    bestEpoch: 5,
    seconds: 60,
    settings: new Map([['schedule.rate', String(rate)]]),
    classF1: NAMES.map((_, i) => rate + i / 10),
  });
  const created = new Date('2025-03-14T09:26:00Z');
  const runs = [compared('first', 0.1), compared('second', 0.2)];
  const pages: Readonly<Record<string, () => string | undefined>> = {
    'a report': () => undefined,
    'a comparison': () => renderComparison({ created, version: '0.1.0', classNames: NAMES, runs }),
    'a search': () => renderTuneReport(exampleSearch(12)),
  };
  for (const [name, render] of Object.entries(pages)) {
    test(`no rule of accessibility is violated by ${name}, light or dark, on a desk or a phone`, async () => {
      const html = render();
      const file = join(folder, 'other.html');
      if (html !== undefined) await writeFile(file, html);
      for (const width of [390, 1280]) {
        const { page, complaints } = await open(width);
        if (html !== undefined) await page.goto(pathToFileURL(file).href);
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.emulateMedia({ colorScheme });
          assert.deepEqual(await accessibilityViolations(page), [], `${width} px, ${colorScheme}`);
        }
        assert.deepEqual(complaints, []);
      }
    });
  }
});
