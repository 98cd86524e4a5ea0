import { formatCount, formatSeconds } from '../base/index.ts';
import type { Confusion } from '../metrics/index.ts';
import { html, type Html } from './html.ts';
import { lossText, percent, score } from './numbers.ts';
import type { ReportData } from './report-data.ts';
import { medianThroughput, throughputText } from './throughput.ts';
import { verdict } from './verdict.ts';

interface Figure {
  readonly name: string;
  readonly value: string;
  readonly note?: string;
}

/** The head of the page: name, verdict and the figures that matter most. */
export function summary(report: ReportData, confusion: Confusion): Html {
  const [first, ...others] = verdict(report, confusion);
  const kind = report.history.length > 0 ? 'Training report' : 'Evaluation report';
  return html`<header>
    <p class="kind">
      <span>Sepal</span> ${kind} · <time datetime="${report.created.toISOString()}">${day(report.created)}</time>
    </p>
    <h1>${report.name}</h1>
    <p class="verdict"><strong>${first}</strong> ${others.join(' ')}</p>
    <dl class="figures">
      ${figures(report, confusion).map(
        ({ name, value, note }) =>
          html`<div>
            <dt>${name}</dt>
            <dd>${value}${note !== undefined && html`<small>${note}</small>`}</dd>
          </div>`,
      )}
    </dl>
  </header>`;
}

function figures(report: ReportData, confusion: Confusion): Figure[] {
  const { history, training } = report;
  const onValidationToo = training?.onValidationToo === true;
  const split = onValidationToo ? `${report.split}, trained on` : report.split;
  const best = history.find(({ epoch }) => epoch === training?.bestEpoch);
  const loss = report.loss ?? best?.validation.loss;
  const shown: Figure[] = [
    { name: 'Accuracy', value: percent(confusion.accuracy), note: split },
    { name: 'Macro F1', value: score(confusion.macroF1), note: split },
  ];
  if (loss !== undefined) shown.push({ name: 'Loss', value: lossText(loss), note: split });
  if (history.length === 0) {
    return [
      ...shown,
      { name: 'Images', value: formatCount(confusion.total) },
      { name: 'Classes', value: formatCount(report.classNames.length) },
    ];
  }
  shown.push({
    name: 'Epochs',
    value: formatCount(history.length),
    note:
      training === undefined
        ? undefined
        : `of ${training.plannedEpochs}${training.stoppedEarly ? ', stopped early' : ''}`,
  });
  if (training !== undefined)
    shown.push({ name: onValidationToo ? 'Epoch kept' : 'Best epoch', value: formatCount(training.bestEpoch) });
  const seconds = training?.seconds ?? history.reduce((total, row) => total + row.seconds, 0);
  return [
    ...shown,
    { name: 'Training time', value: formatSeconds(seconds) },
    { name: 'Images/s', value: throughputText(medianThroughput(history)), note: 'median epoch' },
  ];
}

function day(date: Date): string {
  return date.toLocaleDateString('en-GB', { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' });
}
