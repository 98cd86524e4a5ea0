import { scaleLinear, scaleLog, scalePoint } from 'd3-scale';
import { curveLinear, curveStepAfter, line } from 'd3-shape';
import { html, type Html } from './html.ts';
import { marginFor, type Point } from './line-chart.ts';
import { rate, shorten } from './numbers.ts';
import type { TuneAxis } from './tune-report-data.ts';

/** A trial as a point. */
export interface Dot {
  readonly number: number;
  readonly x: number | string;
  readonly y: number;
  readonly tone: 'complete' | 'pruned' | 'best';
  /** What the pointer shows. */
  readonly title: string;
}

export interface TrialLine {
  readonly points: readonly Point[];
  readonly tone: 'accent' | 'faint';
  readonly title: string;
  /** Whether a value holds until the next one comes. */
  readonly steps?: boolean;
}

export interface TrialChart {
  readonly title: string;
  readonly axis: TuneAxis;
  /** What the x axis counts, such as trials; at its end. */
  readonly xName?: string;
  readonly dots: readonly Dot[];
  readonly lines: readonly TrialLine[];
  /** Lowest and highest value of y. */
  readonly limits?: readonly [number, number];
  /** The chart in a sentence. */
  readonly label: string;
}

const WIDTH = 500;
const HEIGHT = 268;
const PLOT = { right: 484, top: 18, bottom: 228 };

/** Trials as points or lines over one setting, their numbers or epochs; a figure that needs no script. */
export function trialChart({ title, axis, xName, dots, lines, limits, label }: TrialChart): Html {
  const ys = [...dots.map(({ y }) => y), ...lines.flatMap(({ points }) => points.map(({ y }) => y))];
  const y = yScale(ys, limits);
  const ticks = y.ticks(5).map((tick) => ({ at: y(tick), text: rate(Number(tick.toPrecision(4))) }));
  const left = marginFor(ticks.map(({ text }) => text));
  const x = xScale(axis, left, xName !== undefined);
  const path = (steps = false) =>
    line<Point>()
      .x((point) => x.at(point.x))
      .y((point) => y(point.y))
      .curve(steps ? curveStepAfter : curveLinear)
      .digits(1);
  return html`<figure class="chart">
    <figcaption>${title}</figcaption>
    <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${label}">
      ${ticks.map(({ at, text }) => grid(at, text, left))}
      ${x.ticks.map(({ at, text, anchor }) => html`<text class="tick" x="${px(at)}" y="${PLOT.bottom + 20}" text-anchor="${anchor}">${text}</text>`)}
      ${xName !== undefined && html`<text class="tick" x="${PLOT.right}" y="${PLOT.bottom + 36}" text-anchor="end">${xName}</text>`}
      ${lines.map(({ points, tone, title: words, steps }) => html`<path class="line ${tone}" d="${path(steps)([...points]) ?? ''}"><title>${words}</title></path>`)}
      ${dots.map((dot) => html`<circle class="trial ${dot.tone}" cx="${px(x.at(dot.x) + jitter(dot.number, axis))}" cy="${px(y(dot.y))}" r="${dot.tone === 'best' ? 6 : 5}"><title>${dot.title}</title></circle>`)}
    </svg>
  </figure>`;
}

interface XScale {
  at(value: number | string): number;
  readonly ticks: readonly { readonly at: number; readonly text: string; readonly anchor: string }[];
}

function xScale(axis: TuneAxis, left: number, counts: boolean): XScale {
  const range: [number, number] = [left + 10, PLOT.right - 10];
  if (axis.kind === 'choices') {
    const scale = scalePoint(axis.choices, range).padding(0.5);
    const room = Math.floor((PLOT.right - left) / (7 * axis.choices.length));
    const at = (value: number | string) => scale(String(value)) ?? range[0];
    return {
      at,
      ticks: axis.choices.map((name) => ({ at: at(name), text: shorten(name, Math.max(3, room)), anchor: 'middle' })),
    };
  }
  const { kind, low, high } = axis;
  const domain = low === high ? [low - 0.5, high + 0.5] : [low, high];
  const scale = kind === 'log' ? scaleLog(domain, range) : scaleLinear(domain, range);
  const ticks = scale.ticks(6).filter((tick) => !counts || Number.isInteger(tick));
  const isPower = (tick: number) => Math.abs(Math.log10(tick) - Math.round(Math.log10(tick))) < 1e-9;
  const shown = kind === 'log' && ticks.length > 7 ? ticks.filter((tick) => isPower(tick)) : ticks;
  return {
    at: (value) => scale(Number(value)),
    ticks: shown.map((tick) => ({ at: scale(tick), text: rate(Number(tick.toPrecision(6))), anchor: 'middle' })),
  };
}

function yScale(ys: readonly number[], limits?: readonly [number, number]) {
  const finite = ys.filter(Number.isFinite);
  const [low, high] = finite.length === 0 ? [0, 1] : [Math.min(...finite), Math.max(...finite)];
  const pad = low === high ? Math.abs(low) * 0.1 || 0.1 : 0;
  const scale = scaleLinear([low - pad, high + pad], [PLOT.bottom, PLOT.top]).nice(5);
  const [bottom, top] = scale.domain();
  return limits === undefined ? scale : scale.domain([Math.max(bottom, limits[0]), Math.min(top, limits[1])]);
}

function grid(at: number, text: string, left: number): Html {
  return html`<line class="grid" x1="${left}" x2="${PLOT.right}" y1="${px(at)}" y2="${px(at)}" /><text class="tick" x="${left - 8}" y="${px(at)}" dy="0.32em" text-anchor="end">${text}</text>`; // prettier-ignore
}

/** Keeps trials of one choice apart. */
const jitter = (number: number, axis: TuneAxis): number => (axis.kind === 'choices' ? 3 * ((number % 7) - 3) : 0);

const px = (value: number): number => Math.round(value * 10) / 10;
