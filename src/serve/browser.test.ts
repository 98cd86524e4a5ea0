import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import chromium from '@sparticuz/chromium';
import { chromium as playwright, type Browser, type Page } from 'playwright-core';
import { accessibilityViolations } from '../../test/accessibility.ts';
import { cpuBackend, skipWithoutCpuPlugin } from '../../test/backend.ts';
import { writeUntrainedRun } from '../../test/untrained-run.ts';
import { drawDataset, openDataset } from '../data/index.ts';
import type { Backend } from '../runtime/index.ts';
import { parseRecipe, train } from '../train/index.ts';
import { startServer, type RunningServer } from './server.ts';

const skip =
  process.platform === 'linux' && process.arch === 'x64' ? skipWithoutCpuPlugin : 'no Chromium for this platform';

/** What the tests use of a browser's names; the functions that use them run there. */
declare const document: {
  readonly documentElement: { readonly scrollWidth: number; readonly clientWidth: number };
  querySelector(selector: string): { getContext(kind: '2d'): Pixels; readonly width: number } | null;
};
interface Pixels {
  getImageData(x: number, y: number, width: number, height: number): { readonly data: Uint8ClampedArray };
}

const SIZE = 48;
const recipe = parseRecipe(
  {
    model: { name: 'cnn', options: { depth: 3, width: 8, dropout: 0 } },
    size: SIZE,
    epochs: 12,
    batchSize: 16,
    optimizer: { name: 'adamw', weightDecay: 0.01 },
    schedule: { name: 'cosine', rate: 0.01, warmup: 0.5 },
    augment: { flip: true },
  },
  'browser test',
);

/** A photo that the model has not seen, with its class. */
interface Photo {
  readonly path: string;
  readonly name: string;
  readonly bytes: Buffer;
  readonly label: string;
}

suite('the page in Chromium', { skip }, () => {
  let backend: Backend;
  let folder: string;
  let server: RunningServer;
  let browser: Browser;
  let web: Server;
  let webUrl: string;
  let photos: Photo[];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sepal-page-'));
    backend = await cpuBackend();
    ({ photos } = await trainFlowers(backend, folder));
    web = createServer((request, response) => {
      const photo = photos.find(({ name }) => request.url === `/${name}`);
      response.writeHead(photo === undefined ? 404 : 200, { 'content-type': 'image/jpeg' }).end(photo?.bytes);
    });
    await new Promise<void>((resolve) => {
      web.listen(0, '127.0.0.1', resolve);
    });
    webUrl = `http://127.0.0.1:${(web.address() as AddressInfo).port}`;
    server = await startServer({
      backend,
      runs: [join(folder, 'run')],
      version: '0.0.0',
      port: 0,
      batchSizes: [1, 4],
      allowedRanges: ['127.0.0.1'],
    });
    browser = await playwright.launch({
      executablePath: await chromium.executablePath(),
      // The camera is a moving test picture.
      args: [
        '--no-sandbox',
        '--headless=shell',
        '--use-fake-device-for-media-stream',
        '--use-fake-ui-for-media-stream',
      ],
    });
  });
  after(async () => {
    await browser?.close();
    await server?.close();
    web?.close();
    await backend?.close();
    await rm(folder, { recursive: true, force: true });
  });

  type Look = { readonly width?: number; readonly dark?: boolean; readonly touch?: boolean };

  async function open({ width = 1200, dark = false, touch = false }: Look = {}) {
    const page = await browser.newPage({
      viewport: { width, height: 800 },
      colorScheme: dark ? 'dark' : 'light',
      hasTouch: touch,
      isMobile: touch,
    });
    page.setDefaultTimeout(10_000);
    const complaints: string[] = [];
    const strangers: string[] = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => {
      if (!/^(?:data|blob):/.test(request.url()) && !request.url().startsWith(server.url))
        strangers.push(request.url());
    });
    await page.goto(server.url);
    await page.locator('#facts:not(:empty)').waitFor();
    return { page, complaints, strangers };
  }

  const card = (page: Page, name: string) => page.locator('.card', { hasText: name });
  const verdict = async (page: Page, name: string) => {
    await page.locator('.card:not(.waiting)', { hasText: name }).waitFor();
    return (await card(page, name).locator('.verdict').innerText()).toLowerCase();
  };
  const named = ({ label }: Photo) => label.replaceAll('_', ' ');

  /** Lets go of files over the page, as a person would. */
  async function drop(page: Page, files: readonly Photo[]): Promise<void> {
    const items = files.map(({ name, bytes }) => ({ name, base64: bytes.toString('base64') }));
    const transfer = await page.evaluateHandle((list) => {
      const data = new (
        globalThis as unknown as { DataTransfer: new () => { items: { add(file: File): void } } }
      ).DataTransfer();
      for (const { name, base64 } of list) {
        const bytes = Uint8Array.from(atob(base64), (character) => character.codePointAt(0) ?? 0);
        data.items.add(new File([bytes], name, { type: 'image/jpeg' }));
      }
      return data;
    }, items);
    for (const type of ['dragenter', 'dragover', 'drop'])
      await page.dispatchEvent('body', type, { dataTransfer: transfer });
  }

  test('photos that are dropped are named rightly, several at once', async () => {
    const { page, complaints, strangers } = await open();
    await drop(page, photos);
    for (const photo of photos) assert.equal(await verdict(page, photo.name), named(photo), photo.name);
    assert.equal(await page.locator('.card').count(), photos.length);
    assert.deepEqual(complaints, []);
    assert.deepEqual(strangers, []);
  });

  test('an address that is typed, and one that is pasted, are named rightly', async () => {
    const { page, complaints, strangers } = await open();
    const [first, second] = photos;
    await page.getByLabel('address of an image').fill(`${webUrl}/${first.name}`);
    await page.keyboard.press('Enter');
    assert.equal(await verdict(page, first.name), named(first));
    await page.evaluate((url) => {
      const { DataTransfer: Transfer, ClipboardEvent: Paste } = globalThis as unknown as {
        DataTransfer: new () => { setData(type: string, text: string): void };
        ClipboardEvent: new (type: string, init: object) => Event;
      };
      const clipboardData = new Transfer();
      clipboardData.setData('text/plain', url);
      (document as unknown as EventTarget).dispatchEvent(new Paste('paste', { clipboardData, bubbles: true }));
    }, `${webUrl}/${second.name}`);
    assert.equal(await verdict(page, second.name), named(second));
    assert.deepEqual(complaints, []);
    assert.deepEqual(strangers, [], 'the server fetches the image, the browser does not');
  });

  test('an explanation is drawn, and another class shows another one', async () => {
    const { page } = await open();
    await page.setInputFiles('#files', photos[0].path);
    await verdict(page, photos[0].name);
    const pixels = () =>
      page.evaluate(() => {
        const canvas = document.querySelector('canvas.heat');
        return canvas === null
          ? ''
          : canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.width).data.join();
      });
    const first = await pixels();
    assert.equal(first.split(',').length, SIZE * SIZE * 4);
    assert.equal(await page.locator('button.bar[aria-pressed=true]').count(), 1);
    await page.locator('button.bar').nth(1).press('Enter');
    assert.equal(await page.locator('button.bar').nth(1).getAttribute('aria-pressed'), 'true');
    assert.notEqual(await pixels(), first);
    assert.match((await page.locator('.heat').getAttribute('aria-label')) ?? '', /speaks? for/i);
  });

  test('what is no photo, or leads nowhere, is told in words', async () => {
    const { page } = await open();
    const text = join(folder, 'notes.jpg');
    await writeFile(text, 'these are notes');
    await page.setInputFiles('#files', text);
    assert.equal(await verdict(page, 'notes.jpg'), 'no answer');
    assert.match(await card(page, 'notes.jpg').innerText(), /no image that can be read/);
    await page.getByLabel('address of an image').fill(`${webUrl}/missing.jpg`);
    await page.keyboard.press('Enter');
    assert.equal(await verdict(page, 'missing.jpg'), 'no answer');
    assert.match(await page.locator('#announcer').innerText(), /missing\.jpg: no answer/);
  });

  test('a folder that is dropped, and a server that is gone, are told apart', async () => {
    const { page } = await open();
    const session = await page.context().newCDPSession(page);
    const data = { items: [], files: [join(folder, 'photos')], dragOperationsMask: 1 };
    for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
      await session.send('Input.dispatchDragEvent', { type, x: 300, y: 300, data });
    assert.equal(await verdict(page, 'photos'), 'no answer');
    const told = async (name: string) => card(page, name).locator('.doubt').innerText();
    assert.equal(await told('photos'), 'This file could not be read. Is it a folder, or has it changed since?');
    await page.route('**/api/predict*', (route) => route.abort());
    await page.setInputFiles('#files', photos[0].path);
    assert.equal(await verdict(page, photos[0].name), 'no answer');
    assert.equal(await told(photos[0].name), 'The server could not be reached. Is it still running?');
  });

  test('a photo that is removed is not sent any more, and not announced', async () => {
    const { page } = await open();
    const [{ bytes: buffer }] = photos;
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    let sent = 0;
    await page.route('**/api/predict*', async (route) => {
      sent++;
      await released;
      await route.continue();
    });
    await page.evaluate(`
      globalThis.told = [];
      new MutationObserver((changes) => told.push(...changes.map(({ addedNodes: [text] }) => text.data.split(':')[0])))
        .observe(document.querySelector('#announcer'), { childList: true });
    `);
    // Three are sent at a time, so that the first is on its way and the last one not.
    const names = ['a.jpg', 'b.jpg', 'c.jpg', 'd.jpg', 'e.jpg'];
    await page.setInputFiles('#files', names.map((name) => ({ name, mimeType: 'image/jpeg', buffer }))); // prettier-ignore
    await page.waitForRequest('**/api/predict*');
    for (const name of ['a.jpg', 'e.jpg']) await page.getByRole('button', { name: `Remove ${name}` }).click();
    release();
    for (const name of ['b.jpg', 'c.jpg', 'd.jpg']) await verdict(page, name);
    assert.equal(sent, 4);
    assert.deepEqual((await page.evaluate<string[]>('told')).toSorted(), ['b.jpg', 'c.jpg', 'd.jpg']);
  });

  test('a photo that is a byte too large is told apart from the limit', async () => {
    const { page } = await open();
    const large = { name: 'large.jpg', mimeType: 'image/jpeg', buffer: Buffer.alloc(10 * 2 ** 20 + 1) };
    await page.setInputFiles('#files', large);
    assert.equal(await verdict(page, 'large.jpg'), 'no answer');
    const told = await card(page, 'large.jpg').locator('.doubt').innerText();
    assert.equal(told, 'This photo is too large. Expected at most 10 MiB; it was 10.1 MiB.');
  });

  test('no answer is a certainty, though float32 rounds to one', async () => {
    const { page } = await open();
    const shown = await page.evaluate(
      `import('/page/words.js').then(({ percent }) => [1, 0.9989, 0.5, 0].map(percent))`,
    );
    assert.deepEqual(shown, ['> 99.9 %', '99.9 %', '50 %', '< 0.1 %']);
  });

  test('an ensemble is described with the sizes of all its members', async () => {
    const second = await writeUntrainedRun(join(folder, 'second'), { classNames: server.model.classes, size: 32 });
    const runs = [join(folder, 'run'), second];
    const ensemble = await startServer({ backend, runs, version: '0.0.0', port: 0, batchSizes: [1] });
    try {
      const page = await browser.newPage();
      await page.goto(ensemble.url);
      const facts = page.locator('#facts:not(:empty)');
      assert.match(await facts.innerText(), /sees 48 × 48 and 32 × 32 pixels/);
      await page.close();
    } finally {
      await ensemble.close();
    }
  });

  test('a photo is taken with the camera, which is off again afterwards', async () => {
    const { page, complaints } = await open();
    await page.getByRole('button', { name: 'Take a photo' }).click();
    await page.getByRole('button', { name: 'Take it' }).click();
    await verdict(page, 'photo.jpg');
    assert.equal(await page.locator('dialog[open]').count(), 0);
    assert.deepEqual(complaints, []);
  });

  test('the keyboard reaches all there is, in order, and removes a card without losing its place', async () => {
    const { page } = await open();
    await page.setInputFiles(
      '#files',
      photos.slice(0, 2).map(({ path }) => path),
    );
    for (const photo of photos.slice(0, 2)) await verdict(page, photo.name);
    const order: string[] = [];
    const focused = () =>
      page.evaluate(() => {
        const { activeElement } = document as unknown as { activeElement: { id: string; className: string } };
        return activeElement.id || activeElement.className;
      });
    for (let i = 0; i < 7; i++) {
      await page.keyboard.press('Tab');
      order.push(await focused());
    }
    assert.deepEqual(order, ['choose', 'take', 'url', '', 'clear', 'plain remove', 'bar']);
    await page.locator('.remove').first().press('Enter');
    assert.equal(await page.locator('.card').count(), 1);
    assert.equal(await focused(), 'plain remove');
    await page.keyboard.press('Enter');
    assert.equal(await focused(), 'choose');
  });

  for (const look of [
    { width: 1200 },
    { width: 1200, dark: true },
    { width: 390, touch: true },
    { width: 320, dark: true },
  ]) {
    test(`${JSON.stringify(look)}: no violation of accessibility rules, nothing wider than the screen`, async () => {
      const { page, complaints } = await open(look);
      const check = async () => {
        assert.deepEqual(await accessibilityViolations(page), []);
        const { scrollWidth, clientWidth } = await page.evaluate(() => {
          const { scrollWidth: inner, clientWidth: outer } = document.documentElement;
          return { scrollWidth: inner, clientWidth: outer };
        });
        assert.equal(scrollWidth, clientWidth);
      };
      await check();
      await page.setInputFiles('#files', [photos[0].path, join(folder, 'nothing.jpg')]);
      for (const name of [photos[0].name, 'nothing.jpg']) await verdict(page, name);
      await page.emulateMedia({ reducedMotion: 'reduce' });
      await check();
      assert.deepEqual(
        complaints.filter((text) => !text.includes('status of 400')),
        [],
      );
      await keepPicture(page, `${look.width}${'dark' in look ? '-dark' : ''}`);
    });
  }

  /** Pictures of the page go where `SEPAL_SCREENSHOTS` says. */
  async function keepPicture(page: Page, name: string): Promise<void> {
    const out = process.env.SEPAL_SCREENSHOTS;
    if (out !== undefined) await page.screenshot({ path: join(out, `page-${name}.png`), fullPage: true });
  }
});

/** Trains a model on drawn flowers, and keeps a few that it has not seen. */
async function trainFlowers(backend: Backend, folder: string): Promise<{ photos: Photo[] }> {
  const flowers = join(folder, 'flowers');
  await drawDataset({ out: flowers, classes: 3, train: 120, val: 30, test: 3, difficulty: 'easy' });
  const data = {
    train: await openDataset(flowers, { split: 'train', size: SIZE }),
    validation: await openDataset(flowers, { split: 'val', size: SIZE }),
  };
  const { evaluation } = await train({ recipe, backend, data, out: join(folder, 'run') });
  await mkdir(join(folder, 'photos'));
  await writeFile(join(folder, 'nothing.jpg'), '');
  const { classNames, labels } = data.validation;
  const photos: Photo[] = [];
  for (const [label, className] of classNames.entries()) {
    // One that the model is sure of: what is tested is the way from the page to the model and back.
    const probability = (i: number) => evaluation.probabilities[i * classNames.length + label];
    const [best] = [...labels.keys()]
      .filter((i) => labels[i] === label)
      .toSorted((a, b) => probability(b) - probability(a));
    const path = join(folder, 'photos', `${className}-photo.jpg`);
    const bytes = await data.validation.encoded(best);
    await writeFile(path, bytes);
    photos.push({ path, name: `${className}-photo.jpg`, bytes, label: className });
  }
  await data.train.close();
  await data.validation.close();
  return { photos };
}
