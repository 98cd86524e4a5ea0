import { formatCount, formatSeconds, plural, writeFile } from '../base/index.ts';
import { heading } from './class-table.ts';
import { html, type Html } from './html.ts';
import { lossText, rate, score } from './numbers.ts';
import { renderPage } from './page.ts';
import { facts } from './settings.ts';
import { trialChart, type Dot } from './trial-chart.ts';
import type { TuneReportData, TuneReportTrial } from './tune-report-data.ts';

/** Writes the report of a search as one HTML file that loads nothing else. @throws SepalError if it can't be written. */
export async function writeTuneReport(report: TuneReportData, path: string): Promise<void> {
  await writeFile(path, renderTuneReport(report));
}

/** The text of the file that `writeTuneReport` writes. */
export function renderTuneReport(report: TuneReportData): string {
  const content = html`${head(report)} ${progress(report)} ${parameters(report)} ${table(report)} ${making(report)}`;
  return renderPage(`${report.name} · Sepal search`, content, report.version);
}

type Scored = TuneReportTrial & { readonly best: NonNullable<TuneReportTrial['best']> };

/** Trials that can be drawn, in the order in which they ran. */
const scored = ({ trials }: TuneReportData): Scored[] =>
  trials
    .filter((trial): trial is Scored => trial.best !== undefined && trial.state !== 'failed')
    .toSorted((a, b) => a.number - b.number);

const scoreOf = ({ isLoss }: TuneReportData, value: number): string => (isLoss ? lossText(value) : score(value));
const valueText = (value: number | string): string => (typeof value === 'number' ? rate(value) : value);
const count = ({ trials }: TuneReportData, state: TuneReportTrial['state']): number =>
  trials.filter((trial) => trial.state === state).length;

function head(report: TuneReportData): Html {
  const { trials, created, monitor, ranges } = report;
  const best = scored(report).find(({ number }) => number === report.best);
  const pruned = count(report, 'pruned');
  const ends = [
    `${count(report, 'complete')} of ${plural(trials.length, 'trial')} ran to the end`,
    ...(pruned > 0 ? [`${pruned} fell behind and ${pruned === 1 ? 'was' : 'were'} pruned`] : []),
    ...(count(report, 'failed') > 0 ? [`${count(report, 'failed')} failed`] : []),
  ].join(', ');
  const winner =
    best === undefined
      ? 'No trial has finished an epoch yet.'
      : `Trial ${best.number} is the best, with ${monitor} ${scoreOf(report, best.best.score)} in epoch ${best.best.epoch}.`;
  const figures = [
    ...(best === undefined ? [] : [[monitor.replace(/^validation (.)/, (_, first: string) => first.toUpperCase()), scoreOf(report, best.best.score), 'best trial, validation']]), // prettier-ignore
    ['Trials', formatCount(trials.length), `${pruned} pruned`],
    ['Settings', formatCount(ranges.length), 'searched'],
    ['Epochs', formatCount(trials.reduce((sum, { scores }) => sum + scores.length, 0)), 'in all trials'],
    ['Training time', formatSeconds(trials.reduce((sum, { seconds }) => sum + seconds, 0)), 'in all trials'],
  ];
  return html`<header>
    <p class="kind">
      <span>Sepal</span> Search report ·
      <time datetime="${created.toISOString()}">${created.toISOString().slice(0, 10)}</time>
    </p>
    <h1>${report.name}</h1>
    <p class="verdict">
      <strong>${winner}</strong> ${ends}. The best of many is better on the images that picked it than on others:
      measure it with cross-validation or on a test split.
    </p>
    <dl class="figures">
      ${figures.map(
        ([name, value, note]) =>
          html`<div>
            <dt>${name}</dt>
            <dd>${value}<small>${note}</small></dd>
          </div>`,
      )}
    </dl>
  </header>`;
}

const limitsOf = ({ isLoss }: TuneReportData): readonly [number, number] => (isLoss ? [0, Infinity] : [0, 1]);

function dotsOf(report: TuneReportData, x: (trial: Scored) => number | string): Dot[] {
  const dots = scored(report).map((trial): Dot => {
    const tone = trial.number === report.best ? 'best' : trial.state === 'pruned' ? 'pruned' : 'complete';
    return { number: trial.number, x: x(trial), y: trial.best.score, tone, title: titleOf(report, trial) };
  });
  // The best one lies above the others.
  return dots.toSorted((a, b) => Number(a.tone === 'best') - Number(b.tone === 'best'));
}

function titleOf(report: TuneReportData, trial: Scored): string {
  const values = report.ranges.map(({ path }, i) => `${path} ${valueText(trial.values[i])}`);
  return [`trial ${trial.number}: ${scoreOf(report, trial.best.score)}, ${stateText(trial)}`, ...values].join('\n');
}

function stateText({ state, scores, problem }: TuneReportTrial): string {
  if (state === 'pruned') return `pruned after epoch ${scores.length}`;
  return state === 'failed' ? `failed: ${problem ?? ''}` : state;
}

/** How the search went on, and how its trials did. */
function progress(report: TuneReportData): Html | undefined {
  const trials = scored(report);
  if (trials.length === 0) return undefined;
  const { monitor, isLoss } = report;
  let best = trials[0].best.score;
  const bests = trials.map((trial) => {
    best = isLoss ? Math.min(best, trial.best.score) : Math.max(best, trial.best.score);
    return { x: trial.number, y: best };
  });
  const epochs = Math.max(...trials.map(({ scores }) => scores.length));
  const lines = trials
    .toSorted((a, b) => Number(a.number === report.best) - Number(b.number === report.best))
    .map((trial) => ({
      points: trial.scores.map((y, i) => ({ x: i + 1, y })),
      tone: trial.number === report.best ? ('accent' as const) : ('faint' as const),
      title: titleOf(report, trial),
    }));
  // A line of one point draws nothing.
  const ends = dotsOf(report, ({ best: { epoch } }) => epoch).filter(({ number }) => trials.find((trial) => trial.number === number)?.scores.length === 1); // prettier-ignore
  return html`<section id="search">
    <h2>The search</h2>
    <p class="lead">
      Each point is a trial with the ${monitor} of its best epoch: filled ones ran to the end, hollow ones were pruned,
      the ringed one is the best.
    </p>
    <div class="charts">
      ${trialChart({
        title: 'Best so far',
        axis: { kind: 'linear', low: trials[0].number, high: trials[trials.length - 1].number },
        xName: 'trial',
        dots: dotsOf(report, ({ number }) => number),
        lines: [{ points: bests, tone: 'accent', title: 'best so far', steps: true }],
        limits: limitsOf(report),
        label: `${monitor} by trial: the best so far goes from ${scoreOf(report, bests[0].y)} to ${scoreOf(report, best)}`,
      })}
      ${trialChart({
        title: 'Every trial, epoch by epoch',
        axis: { kind: 'linear', low: 1, high: epochs },
        xName: 'epoch',
        dots: ends,
        lines: lines.filter(({ points }) => points.length > 1),
        limits: limitsOf(report),
        label: `${monitor} by epoch of ${plural(trials.length, 'trial')}; the longest has ${plural(epochs, 'epoch')}`,
      })}
    </div>
  </section>`;
}

/** What each setting does. */
function parameters(report: TuneReportData): Html | undefined {
  const trials = scored(report);
  if (trials.length === 0) return undefined;
  return html`<section id="parameters">
    <h2>Settings</h2>
    <p class="lead">The same trials over each setting that was searched; the others vary along.</p>
    <div class="charts">
      ${report.ranges.map(({ path, axis }, i) =>
        trialChart({
          title: path,
          axis,
          dots: dotsOf(report, ({ values }) => values[i]),
          lines: [],
          limits: limitsOf(report),
          label: `${report.monitor} by ${path}: the best trial has ${valueText(trials.find(({ number }) => number === report.best)?.values[i] ?? '–')}`,
        }),
      )}
    </div>
  </section>`;
}

function table(report: TuneReportData): Html {
  const { trials, ranges, monitor } = report;
  const isNumber = (i: number) => ranges[i].axis.kind !== 'choices';
  // Sorted by score, what has none comes behind all that have one.
  const worst = report.isLoss ? Number.MAX_VALUE : -1;
  const row = (trial: TuneReportTrial): Html =>
    html`<tr>
      <th scope="row">${trial.number}</th>
      <td class="number" data-value="${trial.best?.score ?? worst}">
        ${trial.best === undefined ? '–' : scoreOf(report, trial.best.score)}
      </td>
      <td class="number" data-value="${trial.best?.epoch ?? 0}">${trial.best?.epoch ?? '–'}</td>
      ${trial.values.map(
        (value, i) =>
          html`<td class="${isNumber(i) ? 'number' : 'text'}" data-value="${value}">${valueText(value)}</td>`,
      )}
      <td class="number" data-value="${trial.seconds}">${formatSeconds(trial.seconds)}</td>
      <td>${stateText(trial)}</td>
    </tr>`;
  return html`<section id="trials">
    <h2>Trials</h2>
    <p class="lead">Best first; a click on a heading sorts.</p>
    <div class="scroll tall wide" tabindex="0" role="region" aria-label="All trials">
      <table class="sortable">
        <caption class="hidden">
          Trials by ${monitor}
        </caption>
        <thead>
          <tr>
            ${heading('Trial')}
            ${heading(monitor.replace(/^validation /, ''), 'number', report.isLoss ? 'ascending' : 'descending')}
            ${heading('Epoch', 'number')}
            ${ranges.map(({ path, name }, i) => heading(name ?? path, isNumber(i) ? 'number' : 'text'))}
            ${heading('Time', 'number')} ${heading('State')}
          </tr>
        </thead>
        <tbody>
          ${trials.map(row)}
        </tbody>
      </table>
    </div>
  </section>`;
}

function making({ ranges, search, data, device, command, recipe }: TuneReportData): Html {
  return html`<section id="settings">
    <h2>How it was made</h2>
    <div class="facts">
      ${facts('Ranges', Object.fromEntries(ranges.map(({ path, text }) => [path, text])))} ${facts('Search', search)}
      ${facts('Data', data)} ${facts('Device', device)}
    </div>
    <h3>Command</h3>
    <pre tabindex="0">${command}</pre>
    ${
      recipe !== undefined &&
      html`<h3>The best trial’s recipe</h3>
        <pre tabindex="0">${recipe.trimEnd()}</pre>`
    }
  </section>`;
}
