import { scaleLinear, scaleLog } from 'd3-scale';
import { line } from 'd3-shape';
import { extname } from 'node:path';
import sharp from 'sharp';
import { UsageError, writeFile } from '../base/index.ts';
import { html, type Html } from './html.ts';

/** A chart of one line that stands alone in a file. */
export interface ChartFile {
  readonly title: string;
  readonly xName: string;
  readonly yName: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
  /** A logarithmic x axis. */
  readonly logX?: boolean;
  /** A point worth a look, such as the rate that is suggested. */
  readonly mark?: { readonly x: number; readonly label: string };
}

const WIDTH = 800;
const HEIGHT = 420;
const PLOT = { left: 80, right: 770, top: 50, bottom: 365 };
const FORMATS: ReadonlySet<string> = new Set(['.svg', '.png']);

/** Writes a chart as SVG or PNG, by the file's ending. @throws UsageError for another ending. */
export async function writeChart(chart: ChartFile, path: string): Promise<void> {
  const format = extname(path).toLowerCase();
  if (!FORMATS.has(format)) {
    throw new UsageError('CHART_FILE', `can't write a chart to ${path}`, {
      expected: 'a file that ends in .svg or .png',
    });
  }
  const svg = renderChart(chart);
  await writeFile(path, format === '.svg' ? svg : await sharp(Buffer.from(svg), { density: 144 }).png().toBuffer());
}

/** The text of an SVG file. */
export function renderChart({ title, xName, yName, points, logX = false, mark }: ChartFile): string {
  const finite = points.filter(({ x, y }) => Number.isFinite(x) && Number.isFinite(y));
  const extent = (values: readonly number[]): [number, number] => {
    // One by one: a schedule may have more steps than a function takes arguments.
    const low = values.reduce((a, b) => Math.min(a, b), Infinity);
    const high = values.reduce((a, b) => Math.max(a, b), -Infinity);
    if (values.length === 0) return [0, 1];
    return low === high ? [low - Math.abs(low) / 10 - 1e-9, high + Math.abs(high) / 10 + 1e-9] : [low, high];
  };
  const domain = extent(finite.map(({ x }) => x));
  const x = logX ? scaleLog(domain, [PLOT.left, PLOT.right]) : scaleLinear(domain, [PLOT.left, PLOT.right]);
  const [low, high] = extent(finite.map(({ y }) => y));
  const y = scaleLinear([Math.min(low, Math.max(0, low - (high - low))), high], [PLOT.bottom, PLOT.top]).nice(6);
  const path = line<{ x: number; y: number }>()
    .x((point) => x(point.x))
    .y((point) => y(point.y))
    .digits(2);
  const xFormat = x.tickFormat(8, logX ? '~e' : undefined);
  const yFormat = (value: number) => (value !== 0 && Math.abs(value) < 1e-3 ? value.toExponential(1) : String(value));
  return html`<svg
    xmlns="http://www.w3.org/2000/svg"
    viewBox="0 0 ${WIDTH} ${HEIGHT}"
    width="${WIDTH}"
    height="${HEIGHT}"
    font-family="sans-serif"
    font-size="13"
  >
    <rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff" />
    <text x="${PLOT.left}" y="28" font-size="17" fill="#1c2321">${title}</text>
    ${y.ticks(6).map((tick) => horizontal(y(tick), yFormat(Number(tick.toPrecision(6)))))}
    ${x.ticks(8).map((tick) => html`<text x="${x(tick).toFixed(1)}" y="${PLOT.bottom + 20}" text-anchor="middle" fill="#5d6663">${xFormat(tick)}</text>`)}
    <text x="${(PLOT.left + PLOT.right) / 2}" y="${HEIGHT - 12}" text-anchor="middle" fill="#5d6663">${xName}</text>
    <text transform="translate(18 ${(PLOT.top + PLOT.bottom) / 2}) rotate(-90)" text-anchor="middle" fill="#5d6663">
      ${yName}
    </text>
    <path d="${path(finite) ?? ''}" fill="none" stroke="#1f7a4d" stroke-width="2" />
    ${mark !== undefined && marked(x(mark.x), mark.label)}
  </svg> `.text;
}

function horizontal(at: number, label: string): Html {
  return html`<line x1="${PLOT.left}" x2="${PLOT.right}" y1="${at.toFixed(1)}" y2="${at.toFixed(1)}" stroke="#e3e8e6" />
    <text x="${PLOT.left - 8}" y="${(at + 4).toFixed(1)}" text-anchor="end" fill="#5d6663">${label}</text>`;
}

function marked(at: number, label: string): Html {
  const end = at > (PLOT.left + PLOT.right) / 2;
  return html`<line
      x1="${at.toFixed(1)}"
      x2="${at.toFixed(1)}"
      y1="${PLOT.top}"
      y2="${PLOT.bottom}"
      stroke="#b4552d"
      stroke-dasharray="4 3"
    />
    <text
      x="${(at + (end ? -6 : 6)).toFixed(1)}"
      y="${PLOT.top + 12}"
      text-anchor="${end ? 'end' : 'start'}"
      fill="#b4552d"
      >${label}</text
    >`;
}
