import { html, type Html } from './html.ts';
import { lineChart, type LineChart } from './line-chart.ts';
import { lossText, rate, score } from './numbers.ts';
import type { HistoryRow, ReportData, SplitScores } from './report-data.ts';

/** Loss, scores and learning rate over the epochs; nothing for a report without history. */
export function curves(report: ReportData): Html | undefined {
  const { history, training, learningRates } = report;
  if (history.length === 0) return undefined;
  const mark = { best: keptEpoch(report), stoppedEarly: training?.stoppedEarly };
  const pair = (title: string, field: keyof SplitScores, rest: Pick<LineChart, 'format' | 'limits'>): Html =>
    lineChart({
      title,
      xName: 'epoch',
      series: [
        { name: 'training', tone: 'quiet', points: pointsOf(history, (row) => row.train[field]) },
        { name: 'validation', tone: 'accent', points: pointsOf(history, (row) => row.validation[field]) },
      ],
      ...mark,
      ...rest,
    });
  const bySteps = learningRates !== undefined && learningRates.length > 0;
  const bestStep = history.find(({ epoch }) => epoch === mark.best)?.step;
  return html`<section id="curves">
    <h2>Learning curves</h2>
    <p class="lead">${caption(report)}</p>
    <div class="charts">
      ${pair('Loss', 'loss', { format: lossText })} ${pair('Macro F1', 'macroF1', { format: score, limits: [0, 1] })}
      ${pair('Accuracy', 'accuracy', { format: score, limits: [0, 1] })}
      ${lineChart({
        title: 'Learning rate',
        xName: bySteps ? 'step' : 'epoch',
        series: [
          {
            name: 'learning rate',
            tone: 'accent',
            points: bySteps
              ? learningRates.map(({ step, learningRate }) => ({ x: step, y: learningRate }))
              : pointsOf(history, (row) => row.learningRate),
          },
        ],
        format: rate,
        ...mark,
        best: bySteps ? bestStep : mark.best,
      })}
    </div>
  </section>`;
}

function pointsOf(history: readonly HistoryRow[], value: (row: HistoryRow) => number) {
  return history.map((row) => ({ x: row.epoch, y: value(row) }));
}

/** The epoch to mark: where the last weights are kept anyway, none is. */
const keptEpoch = ({ training }: ReportData): number | undefined =>
  training?.onValidationToo === true ? undefined : training?.bestEpoch;

function caption({ history, training }: ReportData): string {
  const average = 'Training scores are averages over the epoch, with augmentation and while the weights still move.';
  if (training === undefined) return average;
  if (training.onValidationToo === true)
    return `Validation images were trained on too, and the last weights were kept. ${average}`;
  const stop = training.stoppedEarly
    ? ` Training stopped early after epoch ${history[history.length - 1].epoch}: nothing better had come.`
    : '';
  return `“Best” marks epoch ${training.bestEpoch}, whose weights were kept, by ${training.monitor}.${stop} ${average}`;
}
