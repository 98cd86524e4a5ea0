import { formatCount, formatSeconds, plural, type Logger, type Progress } from '../../base/index.ts';
import type { WeightsSource } from '../../models/index.ts';
import {
  whatDiverged,
  type HistoryRow,
  type Phase,
  type PhaseSummary,
  type Recipe,
  type TrainEvent,
} from '../../train/index.ts';
import { LabelledBar } from '../labelled-bar.ts';
import { transferDisplay } from '../transfer-display.ts';

/** Milliseconds after which a user wonders what goes on. */
const COMPILING_AFTER = 3000;
const COMPILING = 'step    compiling for this device, the first time for up to minutes; kept for the next start';

/** What a training run shows while it goes on: a bar within each epoch and a line after it. */
export function trainDisplay(
  recipe: Recipe,
  examples: number,
  log: Logger,
): { onEvent: (event: TrainEvent) => void; stop: () => void } {
  const transfer = transferDisplay(`${recipe.weights} weights of ${recipe.model.name}`);
  const bar = new LabelledBar();
  let loss: number | undefined;
  let compiling: NodeJS.Timeout | undefined;
  const stop = () => {
    clearTimeout(compiling);
    transfer.stop();
    bar.stop();
  };
  const show = (label: string, total: number): Progress => {
    if (bar.label !== label) {
      stop();
      loss = undefined;
    }
    return bar.show(label, total);
  };
  let isFirstStep = true;
  const onEvent = (event: TrainEvent): void => {
    switch (event.kind) {
      case 'transfer':
        transfer.update(event);
        break;
      case 'weights':
        stop();
        log.info(`weights ${weightsLine(event.source, event.fresh)}`);
        break;
      case 'features':
        show('features', event.total).update(event.done);
        break;
      case 'compiling':
        stop();
        compiling = setTimeout(() => log.info(COMPILING), COMPILING_AFTER).unref();
        break;
      case 'phase':
        stop();
        for (const line of phaseLines(event)) log.info(line);
        break;
      case 'resumed':
        if (event.problem !== undefined) {
          log.warn(`the last checkpoint is of no use, so the one before it is taken: ${event.problem.message}`);
        }
        log.info(`resume  after step ${formatCount(event.step)}`);
        break;
      case 'bestLost': {
        const next = event.best === undefined ? 'the next epoch’s' : `those of epoch ${event.best.epoch}`;
        log.warn(`the best weights are of no use, so ${next} take their place: ${event.problem.message}`);
        break;
      }
      case 'skipped':
        stop();
        log.warn(
          `${whatDiverged(event.diverged)} at step ${formatCount(event.diverged.step)}: ${plural(event.skipped, 'step')} left out so far`,
        );
        break;
      case 'rolledBack':
        stop();
        log.warn(
          `${whatDiverged(event.diverged)} at step ${formatCount(event.diverged.step)}: back to step ${formatCount(event.step)}, with ${event.rateFactor} of the learning rate`,
        );
        break;
      case 'diagnosing':
        stop();
        log.info('look    which layer went wrong');
        break;
      case 'timeIsUp':
        stop();
        log.info(`time    is up after step ${formatCount(event.step)}; everything is saved, --resume goes on`);
        break;
      case 'step': {
        // performance.now() counts from the start of the process.
        if (isFirstStep) log.debug(`first step done ${formatSeconds(performance.now() / 1000)} after the start`);
        isFirstStep = false;
        const progress = show(`epoch ${event.epoch}/${recipe.epochs}`, examples);
        loss = event.loss ?? loss;
        progress.update(event.examples, loss === undefined ? '' : `loss ${loss.toFixed(4)}`);
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

function weightsLine({ label, licence }: WeightsSource, fresh: readonly string[]): string {
  const layers = [...new Set(fresh.map((path) => path.slice(0, path.lastIndexOf('/'))))];
  return `${label}${licence === undefined ? '' : ` (${licence})`}${layers.length === 0 ? '' : `; new: ${layers.join(', ')}`}`;
}

function phaseLines({ phase, count, model, summary }: Extract<TrainEvent, { kind: 'phase' }>): string[] {
  const { total } = model.parameters;
  return [
    ...(count > 1 ? [`phase   ${phase.index + 1}/${count}, ${plural(phase.epochs, 'epoch')}`] : []),
    `model   ${model.name}, ${formatCount(total)} parameters (${formatCount(summary.trainable)} trained)`,
    ...(summary.freezing.fixed.length > 0 ? [`freeze  ${freezeLine(phase, summary)}`] : []),
    `step    ${summary.fromCache ? 'loaded from the cache' : 'compiled'} in ${formatSeconds(summary.compileSeconds)}`,
  ];
}

const STATISTICS = {
  'with-layers': 'batch-norm statistics with them',
  all: "all of the backbone's batch-norm statistics",
  none: 'batch-norm statistics follow the data',
} as const;

function freezeLine({ freeze, frozenStatistics, featureViews }: Phase, { cachesFeatures }: PhaseSummary): string {
  const once = featureViews === 1 ? 'once for each image' : `once for ${featureViews} views of each image`;
  return `${freeze}, ${STATISTICS[frozenStatistics]}${cachesFeatures ? `; features are computed ${once}` : ''}`;
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
