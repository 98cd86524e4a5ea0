import { formatCount, formatSeconds, startProgress, type Logger, type Progress } from '../../base/index.ts';
import type { HistoryRow, Recipe, TrainEvent } from '../../train/index.ts';

/** What a training run shows while it goes on: a bar within each epoch and a line after it. */
export function trainDisplay(
  recipe: Recipe,
  examples: number,
  log: Logger,
): { onEvent: (event: TrainEvent) => void; stop: () => void } {
  let bar: Progress | undefined;
  let shownEpoch = 0;
  let loss: number | undefined;
  const stop = () => {
    bar?.stop();
    bar = undefined;
  };
  const onEvent = (event: TrainEvent): void => {
    switch (event.kind) {
      case 'compiled': {
        const { trainable, total } = event.model.parameters;
        log.info(`model   ${event.model.name}, ${formatCount(total)} parameters (${formatCount(trainable)} trainable)`);
        log.info(
          `step    ${event.fromCache ? 'loaded from the cache' : 'compiled'} in ${formatSeconds(event.seconds)}`,
        );
        break;
      }
      case 'resumed':
        log.info(`resume  after step ${formatCount(event.step)}`);
        break;
      case 'step': {
        // performance.now() counts from the start of the process.
        if (shownEpoch === 0) log.debug(`first step done ${formatSeconds(performance.now() / 1000)} after the start`);
        if (bar === undefined || event.epoch !== shownEpoch) {
          stop();
          shownEpoch = event.epoch;
          loss = undefined;
          bar = startProgress({ label: `epoch ${event.epoch}/${recipe.epochs}`, total: examples, unit: 'images/s' });
        }
        loss = event.loss ?? loss;
        bar.update(event.examples, loss === undefined ? '' : `loss ${loss.toFixed(4)}`);
        break;
      }
      case 'validating':
        stop();
        break;
      case 'epoch':
        log.info(epochLine(event.row, recipe.epochs, event.isBest));
        break;
      case 'stoppedEarly':
        log.info(`stopped early: no better ${recipe.monitor} for ${recipe.earlyStopping?.patience} epochs`);
        break;
      default:
        event satisfies never;
    }
  };
  return { onEvent, stop };
}

function epochLine(row: HistoryRow, epochs: number, isBest: boolean): string {
  const { train, validation } = row;
  const number = `${String(row.epoch).padStart(String(epochs).length)}/${epochs}`;
  return [
    `epoch ${number}`,
    `train loss ${train.loss.toFixed(4)} acc ${train.accuracy.toFixed(4)}`,
    `val loss ${validation.loss.toFixed(4)} acc ${validation.accuracy.toFixed(4)} precision ${validation.macroPrecision.toFixed(4)} recall ${validation.macroRecall.toFixed(4)} F1 ${validation.macroF1.toFixed(4)}${isBest ? ' *' : ''}`,
    `${row.imagesPerSecond.toFixed(0)} images/s`,
    formatSeconds(row.seconds),
  ].join(' · ');
}
