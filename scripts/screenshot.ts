/** Draws an HTML file as a PNG: `node scripts/screenshot.ts FILE.html OUT.png [--width 1200] [--dark] [--height 900]`. */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import chromium from '@sparticuz/chromium';
import { chromium as playwright, type Page } from 'playwright-core';
import sharp from 'sharp';

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

/** Chromium repeats what is beyond its largest texture, in pixels of the picture. */
const TALLEST = 8192;
const SCALE = 2;

const browser = await playwright.launch({ executablePath: await chromium.executablePath(), args: chromium.args });
try {
  const width = Number(values.width);
  const page = await browser.newPage({
    viewport: { width, height: Number(values.height ?? 900) },
    colorScheme: values.dark ? 'dark' : 'light',
    deviceScaleFactor: SCALE,
    offline: true,
  });
  await page.goto(pathToFileURL(resolve(file)).href);
  if (values.height === undefined) await wholePage(page, width);
  else await page.screenshot({ path: out });
} finally {
  await browser.close();
}

/** Draws the page from its top to its end, in parts that are joined where it is tall. */
async function wholePage(page: Page, width: number): Promise<void> {
  const height = Math.ceil((await page.locator('html').boundingBox())?.height ?? 0);
  const part = TALLEST / SCALE;
  if (height <= part) {
    await page.screenshot({ path: out, fullPage: true });
    return;
  }
  await page.setViewportSize({ width, height: part });
  const parts: { input: Buffer; left: number; top: number }[] = [];
  for (let top = 0; top < height; top += part) {
    // The last one begins higher up, as a page isn't scrolled beyond its end.
    const at = Math.min(top, height - part);
    await page.evaluate(`scrollTo(0, ${at})`);
    parts.push({ input: await page.screenshot(), left: 0, top: SCALE * at });
  }
  const whole = { width: SCALE * width, height: SCALE * height, channels: 3 as const, background: '#fff' };
  await sharp({ create: whole, limitInputPixels: false }).composite(parts).png().toFile(out);
}
