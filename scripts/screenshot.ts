/** Draws an HTML file as a PNG: `node scripts/screenshot.ts FILE.html OUT.png [--width 1200] [--dark] [--height 900]`. */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import chromium from '@sparticuz/chromium';
import { chromium as playwright } from 'playwright-core';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    width: { type: 'string', default: '1200' },
    height: { type: 'string' },
    dark: { type: 'boolean', default: false },
  },
});
const [file, out] = positionals;
if (positionals.length !== 2) {
  process.stderr.write('usage: node scripts/screenshot.ts FILE.html OUT.png [--width 1200] [--height 900] [--dark]\n');
  process.exit(2);
}

const browser = await playwright.launch({ executablePath: await chromium.executablePath(), args: chromium.args });
try {
  const open = async (deviceScaleFactor: number) => {
    const page = await browser.newPage({
      viewport: { width: Number(values.width), height: Number(values.height ?? 900) },
      colorScheme: values.dark ? 'dark' : 'light',
      deviceScaleFactor,
      offline: true,
    });
    await page.goto(pathToFileURL(resolve(file)).href);
    return page;
  };
  // Without --height the picture shows the whole page.
  const fullPage = values.height === undefined;
  let page = await open(2);
  const { height } = (await page.locator('html').boundingBox()) ?? { height: 0 };
  // Chromium repeats what is beyond its largest texture.
  if (fullPage && 2 * height > 8192) page = await open(1);
  await page.screenshot({ path: out, fullPage });
} finally {
  await browser.close();
}
