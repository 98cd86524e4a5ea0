import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import chromium from '@sparticuz/chromium';
import { chromium as playwright, type Browser } from 'playwright-core';
import sharp from 'sharp';
import { accessibilityViolations } from '../../test/accessibility.ts';
import { formulaImage } from '../../test/formula-values.ts';
import { formulaValues } from '../../test/logits.ts';
import { runOnnx } from '../../test/onnx-runtime.ts';
import { buildModel } from '../models/index.ts';
import { onnxModel } from './onnx.ts';
import { writeWebFolder } from './web.ts';

/** What the tests use of a browser's names; the functions that use them run there. */
declare const document: { readonly documentElement: { readonly scrollWidth: number; readonly clientWidth: number } };

const SIZE = 48;
const CLASSES = ['daisy', '<b>rose</b>', 'tulip'];
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};

function exported() {
  const model = buildModel({
    name: 'cnn',
    options: { depth: 2, width: 8 },
    classes: CLASSES.length,
    size: { height: SIZE, width: SIZE },
  });
  return { model, values: formulaValues(model), preprocess: model.preprocess, classNames: CLASSES };
}

test('a file in the folder’s place is named', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sepal-web-'));
  try {
    const file = join(folder, 'model.onnx');
    await writeFile(file, '');
    await assert.rejects(writeWebFolder(exported(), file), {
      code: 'WRITE_FAILED',
      message: `can't write ${file}: there is a file where a folder is to be`,
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});

// The Chromium of @sparticuz/chromium is built for Linux on x64 only.
const skip = process.platform === 'linux' && process.arch === 'x64' ? false : 'no Chromium for this platform';

suite('a web export in Chromium', { skip }, () => {
  let folder: string;
  let server: Server;
  let browser: Browser;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sepal-web-'));
    await writeWebFolder(exported(), folder);
    // Plain files, as any server gives them.
    server = createServer((request, response) => {
      const name = request.url === '/' ? 'index.html' : (request.url ?? '').slice(1);
      void readFile(join(folder, name)).then(
        (content) => response.writeHead(200, { 'content-type': TYPES[extname(name)] ?? 'application/octet-stream' }).end(content), // prettier-ignore
        () => response.writeHead(404).end(),
      );
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    browser = await playwright.launch({ executablePath: await chromium.executablePath(), args: chromium.args });
  });

  after(async () => {
    await browser.close();
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true });
  });

  test('names a photo with the numbers of the exported model, and asks nobody else', async () => {
    const pixels = formulaImage(3, SIZE * SIZE * 3);
    const photo = await sharp(pixels, { raw: { width: SIZE, height: SIZE, channels: 3 } })
      .png()
      .toBuffer();
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    // It stays open: this Chromium ends with its last page.
    const page = await browser.newPage({ viewport: { width: 360, height: 740 } });
    const requests: string[] = [];
    const complaints: string[] = [];
    page.on('request', (request) => requests.push(request.url()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    await page.goto(address);
    await page.locator('body[data-ready]').waitFor({ timeout: 60_000 });
    await page.setInputFiles('#photos', [
      { name: 'photo.png', mimeType: 'image/png', buffer: photo },
      { name: 'broken.png', mimeType: 'image/png', buffer: Buffer.from('no picture') },
    ]);
    const article = page.locator('article[data-done]');
    await article.waitFor({ timeout: 60_000 });
    const theirs = JSON.parse((await article.getAttribute('data-probabilities')) ?? '[]') as number[];
    const ours = await runOnnx(onnxModel(exported()), pixels, exported());
    assert.equal(theirs.length, CLASSES.length);
    for (const [i, value] of theirs.entries()) assert.ok(Math.abs(value - ours.probabilities[i]) < 1e-4, `class ${i}`);
    const best = CLASSES[theirs.indexOf(Math.max(...theirs))];
    assert.match((await article.locator('.verdict').textContent()) ?? '', new RegExp(`${best}$`));
    await page.getByText('no picture that the browser can read').waitFor();
    assert.equal(await article.locator('b').count(), 0);
    assert.deepEqual(
      requests.filter((url) => !url.startsWith(address) && !url.startsWith('data:') && !url.startsWith('blob:')),
      [],
    );
    assert.deepEqual(complaints, []);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      assert.deepEqual(await accessibilityViolations(page), [], colorScheme);
    }
    const { scrollWidth, clientWidth } = await page.evaluate(() => {
      const { documentElement: root } = document;
      return { scrollWidth: root.scrollWidth, clientWidth: root.clientWidth };
    });
    assert.ok(scrollWidth <= clientWidth, 'the page is wider than a phone');
    const out = process.env.SEPAL_SCREENSHOTS;
    if (out !== undefined) await page.screenshot({ path: join(out, 'web-export-phone.png'), fullPage: true });
  });

  test('says which file of it is missing', async () => {
    const page = await browser.newPage();
    for (const name of ['model.json', 'model.onnx']) {
      await rename(join(folder, name), join(folder, 'elsewhere'));
      await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
      const state = page.locator('#state', { hasText: 'The model could not be loaded' });
      await state.waitFor({ timeout: 10_000 });
      assert.ok((await state.innerText()).includes(name));
      await rename(join(folder, 'elsewhere'), join(folder, name));
    }
  });

  test('is not written into a folder with other files', async () => {
    const other = await mkdtemp(join(tmpdir(), 'sepal-web-'));
    try {
      await writeFile(join(other, 'notes.txt'), 'mine');
      await assert.rejects(writeWebFolder(exported(), other), { code: 'WEB_FOLDER', message: /such as notes\.txt$/ });
    } finally {
      await rm(other, { recursive: true });
    }
  });
});
