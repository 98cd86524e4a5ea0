import { formatSeconds, plural, writeFile } from '../base/index.ts';
import { heading } from './class-table.ts';
import { html, type Html } from './html.ts';
import { lineChart, type Tone } from './line-chart.ts';
import { lossText, percent, rate, score } from './numbers.ts';
import { renderPage } from './page.ts';
import type { HistoryRow } from './report-data.ts';
import { medianThroughput, throughputText } from './throughput.ts';

/** One run among those that are compared. */
export interface ComparedRun {
  readonly name: string;
  readonly model: string;
  readonly parameters: number;
  readonly history: readonly HistoryRow[];
  /** The epoch whose weights were kept; counts from 1. */
  readonly bestEpoch: number;
  /** Of the whole run. */
  readonly seconds: number;
  /** Every setting of the recipe by its path, as text. */
  readonly settings: ReadonlyMap<string, string>;
  /** F1 of each class on the validation split, where the run tells it. */
  readonly classF1?: readonly number[];
  /** Whether it was trained on the validation images too, so that its scores say nothing. */
  readonly onValidationToo?: boolean;
}

/** Runs side by side, as the page shows them. */
export interface Comparison {
  readonly created: Date;
  readonly runs: readonly ComparedRun[];
  /** Names of the classes, where all runs have the same. */
  readonly classNames?: readonly string[];
  /** Version of Sepal. */
  readonly version: string;
}

/** Curves get a hue each; more runs begin again with the first, and are told apart by their names. */
const HUES = 8;
const tone = (run: number): Tone => `hue${run % HUES}`;

/** Writes a comparison of runs as one HTML file that loads nothing else. @throws SepalError if it can't be written. */
export async function writeComparison(comparison: Comparison, path: string): Promise<void> {
  await writeFile(path, renderComparison(comparison));
}

/** The text of the file that `writeComparison` writes. */
export function renderComparison(comparison: Comparison): string {
  const { runs, created, version } = comparison;
  return renderPage(
    `${plural(runs.length, 'run')} · Sepal comparison`,
    html`<header>
        <p class="kind"><span>Sepal</span> Comparison · ${created.toISOString().slice(0, 10)}</p>
        <h1>${plural(runs.length, 'run')} side by side</h1>
        <p class="verdict">${verdict(runs)}</p>
      </header>
      ${scores(runs)} ${curves(runs)} ${differences(runs)} ${classes(comparison)}`,
    version,
  );
}

const kept = ({ history, bestEpoch }: ComparedRun): HistoryRow =>
  history.find(({ epoch }) => epoch === bestEpoch) ?? history[history.length - 1];

/** Runs whose scores say how good they are. */
const judged = (runs: readonly ComparedRun[]) => runs.filter(({ onValidationToo }) => onValidationToo !== true);

function verdict(runs: readonly ComparedRun[]): Html {
  const [best, ...others] = judged(runs).toSorted((a, b) => kept(b).validation.macroF1 - kept(a).validation.macroF1);
  const left = runs.filter(({ onValidationToo }) => onValidationToo === true).map(({ name }) => name);
  const note =
    left.length > 0 && `The scores of ${left.join(', ')} say nothing, as the validation images were trained on too.`;
  if (best === undefined) return html`<strong>No run can be called the best.</strong> ${note}`;
  return html`<strong
      >${best.name} is best, with a validation macro F1 of ${score(kept(best).validation.macroF1)}.</strong
    >
    ${closeness(others, best)} ${note}`;
}

function closeness([next]: readonly ComparedRun[], best: ComparedRun): string {
  if (next === undefined) return '';
  const gap = kept(best).validation.macroF1 - kept(next).validation.macroF1;
  return `The next one is ${(100 * gap).toFixed(1)} points lower. Runs that differ by their seed alone often lie a point apart.`;
}

const millions = (count: number): string => `${(count / 1e6).toPrecision(3)} M`;

interface Column {
  readonly name: string;
  readonly value: (run: ComparedRun) => number;
  readonly text: (value: number) => string;
  /** Which end is better; neither for sizes and times, which are what they are. */
  readonly better?: 'high' | 'low';
}

const COLUMNS: readonly Column[] = [
  { name: 'Macro F1', value: (run) => kept(run).validation.macroF1, text: score, better: 'high' },
  { name: 'Accuracy', value: (run) => kept(run).validation.accuracy, text: percent, better: 'high' },
  { name: 'Precision', value: (run) => kept(run).validation.macroPrecision, text: score, better: 'high' },
  { name: 'Recall', value: (run) => kept(run).validation.macroRecall, text: score, better: 'high' },
  { name: 'Loss', value: (run) => kept(run).validation.loss, text: lossText, better: 'low' },
  { name: 'Best epoch', value: ({ bestEpoch }) => bestEpoch, text: String },
  { name: 'Images/s', value: ({ history }) => medianThroughput(history), text: throughputText },
  { name: 'Time', value: ({ seconds }) => seconds, text: formatSeconds },
  { name: 'Parameters', value: ({ parameters }) => parameters, text: millions },
];

function scores(runs: readonly ComparedRun[]): Html {
  const known = judged(runs);
  const bests = COLUMNS.map(({ value, better }) =>
    better === undefined || known.length < 2 ? undefined : Math[better === 'high' ? 'max' : 'min'](...known.map(value)),
  );
  return html`<section id="scores">
    <h2>Scores</h2>
    <p class="lead">On the validation split, of the epoch whose weights were kept. The best of each column is bold.</p>
    <div class="scroll" tabindex="0" role="region" aria-label="Scores of every run">
      <table class="sortable tight">
        <caption class="hidden">
          Scores of every run
        </caption>
        <thead>
          <tr>
            ${heading('Run')} ${heading('Model')} ${COLUMNS.map(({ name }) => heading(name, 'number'))}
          </tr>
        </thead>
        <tbody>
          ${runs.map(
            (run, i) =>
              html`<tr>
                <th class="whole" scope="row"><span class="swatch ${tone(i)}" aria-hidden="true"></span>${run.name}</th>
                <td>${run.model}</td>
                ${COLUMNS.map(({ value, text }, column) =>
                  cell(value(run), text(value(run)), value(run) === bests[column] && known.includes(run)),
                )}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}

function cell(value: number, text: string, isBest: boolean): Html {
  return html`<td class="number" data-value="${value}">${isBest ? html`<strong>${text}</strong>` : text}</td>`;
}

function curves(runs: readonly ComparedRun[]): Html {
  const chart = (
    title: string,
    value: (row: HistoryRow) => number,
    format: (value: number) => string,
    limits?: readonly [number, number],
  ): Html =>
    lineChart({
      title,
      xName: 'epoch',
      series: runs.map(({ name, history }, i) => ({
        name,
        tone: tone(i),
        points: history.map((row) => ({ x: row.epoch, y: value(row) })),
      })),
      format,
      limits,
    });
  return html`<section id="curves">
    <h2>Learning curves</h2>
    <p class="lead">A colour for each run, as in the table of scores.</p>
    <div class="charts">
      ${chart('Validation macro F1', ({ validation }) => validation.macroF1, score, [0, 1])}
      ${chart('Validation loss', ({ validation }) => validation.loss, lossText)}
      ${chart('Training accuracy', ({ train }) => train.accuracy, score, [0, 1])}
      ${chart('Training loss', ({ train }) => train.loss, lossText)}
      ${chart('Learning rate', ({ learningRate }) => learningRate, rate)}
      ${chart('Images a second', ({ imagesPerSecond }) => imagesPerSecond, throughputText)}
    </div>
  </section>`;
}

/** The settings in which the recipes differ, a row each. */
function differences(runs: readonly ComparedRun[]): Html | undefined {
  if (runs.length < 2) return undefined;
  const paths = [...new Set(runs.flatMap(({ settings }) => [...settings.keys()]))].toSorted();
  const rows = paths.filter((path) => new Set(runs.map(({ settings }) => settings.get(path))).size > 1);
  return html`<section id="settings">
    <h2>What differs in the recipes</h2>
    ${
      rows.length === 0
        ? html`<p class="lead">Nothing.</p>`
        : html`<p class="lead">Settings that are equal are left out.</p>
            <div class="scroll" tabindex="0" role="region" aria-label="Settings that differ">
              <table>
                <thead>
                  <tr>
                    <th scope="col">Setting</th>
                    ${runs.map(({ name }) => html`<th scope="col">${name}</th>`)}
                  </tr>
                </thead>
                <tbody>
                  ${rows.map(
                    (path) =>
                      html`<tr>
                        <th scope="row">${breakable(path)}</th>
                        ${runs.map(({ settings }) => html`<td>${shown(settings.get(path))}</td>`)}
                      </tr>`,
                  )}
                </tbody>
              </table>
            </div>`
    }
  </section>`;
}

/** F1 of each class in every run, those that differ most first. */
function classes({ runs, classNames }: Comparison): Html | undefined {
  const known = runs.filter(({ classF1 }) => classF1 !== undefined);
  if (classNames === undefined || known.length === 0) return undefined;
  const rows = classNames
    .map((name, label) => {
      const values = known.map(({ classF1 }) => classF1![label]);
      return { name, values, spread: Math.max(...values) - Math.min(...values) };
    })
    .toSorted((a, b) => b.spread - a.spread);
  return html`<section id="classes">
    <h2>Classes</h2>
    <p class="lead">F1 of every class on the validation split, largest differences first. ${withoutClasses(runs)}</p>
    <div class="scroll tall" tabindex="0" role="region" aria-label="F1 of every class in every run">
      <table class="sortable">
        <thead>
          <tr>
            ${heading('Class')} ${known.map(({ name }) => heading(name, 'number'))}
            ${heading('Spread', 'number', 'descending')}
          </tr>
        </thead>
        <tbody>
          ${rows.map(({ name, values, spread }) => {
            const top = known.length > 1 && spread > 0 ? Math.max(...values) : NaN;
            return html`<tr>
              <th scope="row">${name}</th>
              ${values.map((value) => cell(value, score(value), value === top))} ${cell(spread, score(spread), false)}
            </tr>`;
          })}
        </tbody>
      </table>
    </div>
  </section>`;
}

/** Which runs the table of classes leaves out; why those that were trained on the validation images, the verdict says. */
function withoutClasses(runs: readonly ComparedRun[]): Html | undefined {
  const names = judged(runs).flatMap(({ name, classF1 }) => (classF1 === undefined ? [name] : []));
  if (names.length === 0) return undefined;
  return html`Not here: ${names.join(', ')}, as only <code>sepal train</code> keeps these scores, when a run ends;
    <code>sepal evaluate</code> prints them for any run.`;
}

/** A dotted path that may go on in the next line behind a dot. */
const breakable = (path: string): Html[] =>
  path.split('.').map((name, i) => (i === 0 ? html`${name}` : html`.<wbr />${name}`));

/** A setting as a recipe has it, with no more digits than people read. */
function shown(json: string | undefined): string {
  if (json === undefined) return '–';
  const value = JSON.parse(json) as unknown;
  if (typeof value === 'number') return String(Number(value.toPrecision(6)));
  return typeof value === 'string' ? value : json;
}
