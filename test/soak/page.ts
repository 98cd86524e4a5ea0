import { formatCount, formatSeconds, plural } from '../../src/base/index.ts';
import { html, Html } from '../../src/report/html.ts';
import { lineChart } from '../../src/report/line-chart.ts';
import { STYLE } from '../../src/report/style.ts';
import type { Growth } from './growth.ts';
import { FIGURES, type Sample } from './sample.ts';

export interface SoakPage {
  readonly samples: readonly Sample[];
  readonly growth: readonly Growth[];
  readonly rounds: number;
  readonly device: string;
}

/** Samples are many: a chart has this many points, each the median of those around it. */
const POINTS = 240;

/** The page of a soak: a verdict, a chart of each figure, and how much each has grown. */
export function soakPage({ samples, growth, rounds, device }: SoakPage): string {
  const inside = samples.filter(({ epoch }) => epoch !== undefined);
  const seconds = samples[samples.length - 1]?.seconds ?? 0;
  const grown = growth.filter(({ isFlat }) => !isFlat);
  const verdict =
    grown.length === 0
      ? 'Everything that was watched stayed flat.'
      : `Not flat: ${grown.map(({ figure }) => FIGURES[figure].title.toLowerCase()).join(', ')}.`;
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta
          http-equiv="Content-Security-Policy"
          content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'"
        />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>Soak · Sepal</title>
        ${new Html(`<style>${STYLE}</style>`)}
      </head>
      <body>
        <main>
          <header>
            <p class="kind"><span>Sepal</span> Soak</p>
            <h1>${formatSeconds(seconds)} of training and evaluation</h1>
            <p class="verdict">
              <strong>${verdict}</strong> ${plural(rounds, 'run')} in one process, ${plural(inside.length, 'epoch')}
              with validation and checkpoint, ${device}.
            </p>
          </header>
          <section>
            <h2>What the process held</h2>
            <p class="lead">
              Taken after each epoch, when garbage had been collected; each point is the median of its neighbours.
            </p>
            <div class="charts">${growth.map((row) => chartOf(row, inside))}</div>
          </section>
          <section>
            <h2>How it grew</h2>
            <p class="lead">
              By the median slope between samples, over the time after the first 15 %: of the whole, and within each
              run.
            </p>
            <table>
              <thead>
                <tr>
                  ${['Figure', 'First', 'Last', 'Peak', 'Growth', 'Growth within runs', 'Allowed', 'Flat'].map(
                    (name, i) => html`<th class="${i === 0 ? '' : 'number'}">${name}</th>`,
                  )}
                </tr>
              </thead>
              <tbody>
                ${growth.map(
                  ({ figure, first, last, peak, grown: whole, grownWithin, allowed, isFlat }) =>
                    html`<tr>
                      <th>${FIGURES[figure].title}</th>
                      ${[first, last, peak, whole, grownWithin, allowed].map(
                        (value) => html`<td class="number">${number(value)}</td>`,
                      )}
                      <td class="number">${isFlat ? 'yes' : 'no'}</td>
                    </tr>`,
                )}
              </tbody>
            </table>
          </section>
        </main>
      </body>
    </html>`.text;
}

function chartOf({ figure }: Growth, samples: readonly Sample[]): Html {
  const { title, unit } = FIGURES[figure];
  const width = Math.max(1, Math.ceil(samples.length / POINTS));
  const points = Array.from({ length: Math.ceil(samples.length / width) }, (_, i) => {
    const part = samples.slice(i * width, (i + 1) * width);
    const ys = part.map(({ figures }) => figures[figure]).toSorted((a, b) => a - b);
    return { x: part[0].seconds / 60, y: ys[Math.floor(ys.length / 2)] };
  });
  return lineChart({
    title: `${title}, ${unit}`,
    xName: 'min',
    fromZero: true,
    series: [{ name: unit, tone: 'accent', points }],
    format: number,
  });
}

function number(value: number): string {
  if (!Number.isFinite(value)) return '–';
  return Math.abs(value) >= 100 ? formatCount(Math.round(value)) : String(Number(value.toFixed(2)));
}
