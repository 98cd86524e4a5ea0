import { scaleLinear, scaleLog } from 'd3-scale';
import { line } from 'd3-shape';
import { html, type Html } from './html.ts';
import { shorten } from './numbers.ts';

/** Validation is drawn in the accent colour, training quietly; runs side by side have a hue each. */
export type Tone = 'accent' | 'quiet' | `hue${number}`;

/** One line of a chart. */
export interface Series {
  readonly name: string;
  readonly tone: Tone;
  /** Points with a y that is not finite interrupt the line. */
  readonly points: readonly Point[];
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface LineChart {
  readonly title: string;
  /** What the x axis counts: `epoch`. */
  readonly xName: string;
  readonly series: readonly Series[];
  readonly format: (y: number) => string;
  /** Lowest and highest value that y can have, so that the axis doesn't go beyond. */
  readonly limits?: readonly [number, number];
  /** Draws the axis from 0 on: a line that fills the picture looks like growth whatever it is. */
  readonly fromZero?: boolean;
  /** Where the kept weights are from. */
  readonly best?: number;
  readonly stoppedEarly?: boolean;
}

const WIDTH = 500;
const HEIGHT = 268;
const PLOT = { right: 416, top: 26, bottom: 236 };
/** Columns that show their values under the pointer; more would be narrower than a pixel or two. */
const MAX_HOVER_COLUMNS = 160;
const MAX_POINTS = 1000;
/** Longest name at the end of a line, in characters. */
const MAX_END = 12;

/** A line chart as a figure that needs no script: values show on hover through SVG titles. */
export function lineChart(chart: LineChart): Html {
  const y = yScale(chart);
  const ticks = yTicks(y);
  const left = marginFor(ticks.map(({ text }) => text));
  const x = scaleLinear(xDomain(chart), [left, PLOT.right]);
  const path = line<Point>()
    .defined((point) => isDrawable(point, y.domain()))
    .x((point) => x(point.x))
    .y((point) => y(point.y))
    .digits(1);
  const lines = chart.series.map(({ tone, points }) => {
    const shown = thin(points, MAX_POINTS);
    // A path of one point draws nothing.
    const dots = points.filter((point) => points.length === 1 && isDrawable(point, y.domain()));
    return html`<path class="line ${tone}" d="${path(shown) ?? ''}" />${dots.map(
        (point) => html`<circle class="dot ${tone}" cx="${px(x(point.x))}" cy="${px(y(point.y))}" r="4" />`,
      )}`;
  });
  return html`<figure class="chart">
    <figcaption>${chart.title}</figcaption>
    <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${describe(chart)}">
      ${yAxis(ticks, left)} ${xAxis(x, chart.xName)} ${bestMark(chart, x, y, left)} ${lines} ${endLabels(chart, y)}
      ${hoverColumns(chart, x, left)}
    </svg>
  </figure>`;
}

type Scale = (value: number) => number;
type YScale = Scale & { domain(): number[]; ticks(count: number): number[] };

function xDomain({ series }: LineChart): [number, number] {
  const xs = series.flatMap(({ points }) => points.map((point) => point.x));
  const low = xs.reduce((a, b) => Math.min(a, b), Infinity);
  const high = xs.reduce((a, b) => Math.max(a, b), -Infinity);
  if (low > high) return [0, 1];
  return low === high ? [low - 0.5, high + 0.5] : [low, high];
}

function yScale({ series, limits, fromZero = false }: LineChart): YScale {
  const range = [PLOT.bottom, PLOT.top];
  const ys = series
    .flatMap(({ points }) => points.map((point) => point.y))
    .filter(Number.isFinite)
    .toSorted((a, b) => a - b);
  if (ys.length === 0) return scaleLinear([0, 1], range);
  const high = ys[ys.length - 1];
  if (fromZero) return scaleLinear([0, high > 0 ? 1.1 * high : 1], range).nice(5);
  const [low] = ys;
  const middle = ys[Math.floor(ys.length / 2)];
  // A first epoch that is far off would press all the others into one flat line.
  if (limits === undefined && low > 0 && high > 12 * middle) return scaleLog([low, high], range).nice();
  const pad = low === high ? Math.abs(low) * 0.1 || 0.1 : 0;
  const scale = scaleLinear([low - pad, high + pad], range).nice(5);
  const [bottom, top] = scale.domain();
  return limits === undefined ? scale : scale.domain([Math.max(bottom, limits[0]), Math.min(top, limits[1])]);
}

function isDrawable({ y }: Point, domain: readonly number[]): boolean {
  return Number.isFinite(y) && y >= domain[0] && y <= domain[1];
}

interface Tick {
  readonly at: number;
  readonly text: string;
}

function yTicks(y: YScale): Tick[] {
  const ticks = y.ticks(5);
  // A logarithmic scale answers with all its subdivisions.
  const shown =
    ticks.length <= 8 ? ticks : ticks.filter((tick) => Number.isInteger(Math.round(Math.log10(tick) * 1e9) / 1e9));
  const highest = Math.max(...shown);
  const lowest = Math.min(...shown.filter((tick) => tick > 0));
  // Powers of ten far from 1 have more zeros than anyone counts; no other axis spans so much.
  const isWide = highest > 100 * lowest && (lowest < 1e-3 || highest > 1e4);
  const short = highest < 0.01 || highest >= 1e6 || isWide;
  return shown.map((tick) => ({ at: px(y(tick)), text: tickText(tick, short) }));
}

function yAxis(ticks: readonly Tick[], left: number): Html[] {
  return ticks.map(
    ({ at, text }) =>
      html`<line class="grid" x1="${left}" x2="${PLOT.right}" y1="${at}" y2="${at}" /><text
          class="tick"
          x="${left - 8}"
          y="${at}"
          dy="0.32em"
          text-anchor="end"
          >${text}</text
        >`,
  );
}

/** Room beside a chart for the labels of its y axis. On phones their letters are larger. */
export function marginFor(labels: readonly string[]): number {
  return Math.max(46, 10 + 8 * Math.max(0, ...labels.map(({ length }) => length)));
}

function tickText(tick: number, short: boolean): string {
  if (tick === 0) return '0';
  const rounded = Number(tick.toPrecision(4));
  return short && tick !== 1 ? rounded.toExponential().replace('e+', 'e') : String(rounded);
}

function xAxis(x: Scale & { ticks(count: number): number[] }, name: string): Html[] {
  const labels = x
    .ticks(6)
    .filter(Number.isInteger)
    .map(
      (tick) =>
        html`<text class="tick" x="${px(x(tick))}" y="${PLOT.bottom + 20}" text-anchor="middle"
          >${tick.toLocaleString('en-US')}</text
        >`,
    );
  return [...labels, html`<text class="tick" x="${PLOT.right + 24}" y="${PLOT.bottom + 20}">${name}</text>`];
}

function bestMark({ series, best, stoppedEarly }: LineChart, x: Scale, y: YScale, left: number): Html | undefined {
  if (best === undefined) return undefined;
  const at = px(x(best));
  const kept = series.find(({ tone }) => tone === 'accent')?.points.find((point) => point.x === best);
  const after = PLOT.right - at;
  const anchor = at - left < 24 ? 'start' : after < 24 ? 'end' : 'middle';
  return html`${
      stoppedEarly === true &&
      html`<rect class="after" x="${at}" y="${PLOT.top}" width="${px(after)}" height="${PLOT.bottom - PLOT.top}" />`
    }${
      stoppedEarly === true &&
      after > 80 &&
      html`<text class="mark" x="${PLOT.right}" y="${PLOT.top - 9}" text-anchor="end">stopped</text>`
    }<line class="best" x1="${at}" x2="${at}" y1="${PLOT.top}" y2="${PLOT.bottom}" /><text
      class="mark strong"
      x="${at}"
      y="${PLOT.top - 9}"
      text-anchor="${anchor}"
      >best</text
    >${
      kept !== undefined &&
      isDrawable(kept, y.domain()) &&
      html`<circle class="dot accent" cx="${at}" cy="${px(y(kept.y))}" r="4" />`
    }`;
}

/** Names at the lines' right ends instead of a legend, moved apart where the lines end close together. */
function endLabels({ series }: LineChart, y: YScale): Html[] {
  if (series.length < 2) return [];
  const gap = 15;
  const ends = series
    .flatMap(({ name, tone, points }) => {
      const last = points.findLast((point) => isDrawable(point, y.domain()));
      return last === undefined ? [] : [{ name, tone, at: y(last.y) }];
    })
    .toSorted((a, b) => a.at - b.at);
  // Moving two apart may bring others together; with as many rounds as names all have room.
  for (let round = 1; round < ends.length; round++) {
    for (let i = 1; i < ends.length; i++) {
      const overlap = gap - (ends[i].at - ends[i - 1].at);
      if (overlap <= 0) continue;
      ends[i - 1].at -= overlap / 2;
      ends[i].at += overlap / 2;
    }
  }
  // None over another one, and none over what stands below the plot.
  for (let i = 1; i < ends.length; i++) ends[i].at = Math.max(ends[i].at, ends[i - 1].at + gap);
  for (let i = ends.length - 1, limit = PLOT.bottom; i >= 0; i--, limit -= gap)
    ends[i].at = Math.min(ends[i].at, limit);
  return ends.map(
    ({ name, tone, at }) =>
      html`<text class="end ${tone}" x="${PLOT.right + 10}" y="${px(at)}" dy="0.32em">${shorten(name, MAX_END)}</text>`,
  );
}

function hoverColumns({ series, xName, format, best }: LineChart, x: Scale, left: number): Html[] {
  const xs = [...new Set(series.flatMap(({ points }) => points.map((point) => point.x)))].toSorted((a, b) => a - b);
  const thinned = new Set(thin(xs, MAX_HOVER_COLUMNS));
  const shown = xs.filter((value) => thinned.has(value) || value === best);
  const byX = series.map(({ name, points }) => ({ name, values: new Map(points.map((point) => [point.x, point.y])) }));
  return shown.map((value, i) => {
    const from = i === 0 ? left : (x(shown[i - 1]) + x(value)) / 2;
    const to = i === shown.length - 1 ? PLOT.right : (x(value) + x(shown[i + 1])) / 2;
    const values = byX.map(({ name, values: ys }) => `${name} ${format(ys.get(value) ?? NaN)}`);
    const head = `${xName} ${value.toLocaleString('en-US')}${value === best ? ' (best)' : ''}`;
    return html`<rect
      class="hover"
      x="${px(from)}"
      y="${PLOT.top}"
      width="${px(to - from)}"
      height="${PLOT.bottom - PLOT.top}"
      ><title>${[head, ...values].join('\n')}</title></rect
    >`;
  });
}

/** At most `limit` of the values, evenly spaced, the first and the last among them. */
function thin<T>(values: readonly T[], limit: number): readonly T[] {
  if (values.length <= limit) return values;
  return Array.from({ length: limit }, (_, i) => values[Math.round((i * (values.length - 1)) / (limit - 1))]);
}

function describe({ title, xName, series, format, best }: LineChart): string {
  const lines = series.map(({ name, points }) => {
    const ys = points.map((point) => point.y).filter(Number.isFinite);
    return ys.length === 0 ? `${name}: no values` : `${name} from ${format(ys[0])} to ${format(ys[ys.length - 1])}`;
  });
  return `${title} by ${xName}: ${lines.join('; ')}${best === undefined ? '' : `; best at ${xName} ${best}`}`;
}

function px(value: number): number {
  return Math.round(value * 10) / 10;
}
