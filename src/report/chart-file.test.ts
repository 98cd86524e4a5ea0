import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import sharp from 'sharp';
import { renderChart, writeChart } from './chart-file.ts';
import { sparkline } from './sparkline.ts';

const points = Array.from({ length: 50 }, (_, i) => ({ x: 10 ** (i / 10 - 6), y: 2 - i / 50 }));
const chart = { title: 'Loss <b>', xName: 'learning rate', yName: 'loss', points, logX: true };

suite('a chart file', () => {
  test('is SVG or PNG by its ending; markup in a name stays text', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sepal-chart-'));
    try {
      await writeChart(chart, join(folder, 'a.svg'));
      await writeChart({ ...chart, mark: { x: 1e-3, label: 'suggested' } }, join(folder, 'a.png'));
      const svg = await readFile(join(folder, 'a.svg'), 'utf8');
      assert.match(svg, /Loss &lt;b&gt;/);
      const { width, height, format } = await sharp(join(folder, 'a.png')).metadata();
      assert.equal(format, 'png');
      assert.ok(width >= 800 && height >= 420);
      await assert.rejects(writeChart(chart, join(folder, 'a.pdf')), { code: 'CHART_FILE' });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('draws its line from the left to the right, and nothing that is not finite', () => {
    const [, path] = /<path d="([^"]*)"/.exec(renderChart({ ...chart, points: [...points, { x: 1, y: NaN }] })) ?? [];
    assert.ok(path.startsWith('M80,') && !path.includes('NaN'));
    assert.doesNotMatch(renderChart({ ...chart, points: [] }), /NaN|Infinity/);
    assert.doesNotMatch(renderChart({ ...chart, points: [{ x: 1, y: 0 }] }), /NaN|Infinity/);
  });

  test('may have a point for each step of a long training', () => {
    const steps = Array.from({ length: 300_000 }, (_, x) => ({ x, y: x % 1000 }));
    assert.match(renderChart({ ...chart, logX: false, points: steps }), /<path d="M80,/);
  });

  test('a sparkline has its highest and lowest bars where the numbers are', () => {
    assert.equal(sparkline([0, 1, 2, 3, 4, 5, 6, 7]), '▁▂▃▄▅▆▇█');
    assert.equal(sparkline([1, 1]), '██');
    assert.equal(sparkline([0, 0]), '▁▁');
    assert.equal(
      sparkline(
        Array.from({ length: 600 }, (_, i) => i),
        6,
      ).length,
      6,
    );
  });
});
