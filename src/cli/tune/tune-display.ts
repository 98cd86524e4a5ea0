import { formatSeconds, type Logger, type Progress } from '../../base/index.ts';
import type { Recipe, TrainEvent } from '../../train/index.ts';
import { bestTrial, valueText, type Trial, type TuneEvent, type TuneSettings } from '../../tune/index.ts';
import { LabelledBar } from '../labelled-bar.ts';
import { transferDisplay } from '../transfer-display.ts';
import { scoreName } from '../score-name.ts';
import { scoreText, shortNames } from './summary.ts';

/** What a search shows while it goes on: a line before and after each trial, and a bar within it. */
export function tuneDisplay(
  { trials: planned, ranges }: TuneSettings,
  examples: number,
  log: Logger,
): { onEvent: (event: TuneEvent) => void; stop: () => void } {
  const paths = Object.keys(ranges);
  const names = new Map(shortNames(paths).map((name, i) => [paths[i], name]));
  let transfer: ReturnType<typeof transferDisplay> | undefined;
  const bar = new LabelledBar();
  let loss = '';
  const stop = () => {
    transfer?.stop();
    transfer = undefined;
    bar.stop();
  };
  const show = (label: string, total: number): Progress => {
    if (bar.label !== label) stop();
    return bar.show(label, total);
  };
  const training = ({ number }: Trial, recipe: Recipe, event: TrainEvent): void => {
    switch (event.kind) {
      case 'transfer':
        transfer ??= transferDisplay(`${recipe.weights} weights of ${recipe.model.name}`);
        transfer.update(event);
        break;
      case 'features':
        show('features', event.total).update(event.done);
        break;
      case 'step': {
        if (event.loss !== undefined) loss = `, loss ${event.loss.toFixed(4)}`;
        const done = (event.epoch - 1) * examples + event.examples;
        const note = `epoch ${event.epoch}/${recipe.epochs}${loss}`;
        show(`trial ${number}/${planned}`, recipe.epochs * examples).update(done, note);
        break;
      }
      case 'phase':
        log.debug(`step    ${event.summary.fromCache ? 'loaded from the cache' : 'compiled'} in ${formatSeconds(event.summary.compileSeconds)}`); // prettier-ignore
        break;
      case 'epoch':
        log.debug(`epoch   ${event.row.epoch}: ${scoreName(recipe.monitor)} ${event.row.validation[recipe.monitor].toFixed(4)}`); // prettier-ignore
        break;
      case 'resumed':
        if (event.problem !== undefined)
          log.warn(`the checkpoint before the last one is taken: ${event.problem.message}`);
        break;
      case 'bestLost':
        log.warn(`the best weights of trial ${number} are of no use: ${event.problem.message}`);
        break;
      case 'weights':
      case 'compiling':
      case 'validating':
      case 'stoppedEarly':
      case 'skipped':
      case 'rolledBack':
      case 'diagnosing':
      case 'timeIsUp':
        break;
      default:
        event satisfies never;
    }
  };
  const onEvent = (event: TuneEvent): void => {
    switch (event.kind) {
      case 'resumed':
        log.info(
          `resume  after ${event.trials.filter(({ state }) => state !== 'running').length} of ${planned} trials`,
        );
        break;
      case 'trial': {
        stop();
        loss = '';
        // A search that goes on may have been given its ranges in another order.
        const values = Object.entries(event.trial.values).map(
          ([path, value]) => `${names.get(path)}=${valueText(value)}`,
        );
        log.info(`trial   ${event.trial.number}/${planned}: ${values.join(' ')}${event.goesOn ? ' (goes on)' : ''}`);
        break;
      }
      case 'training':
        training(event.trial, event.recipe, event.event);
        break;
      case 'done':
        stop();
        log.info(`        ${outcome(event.trial, event.trials, event.monitor)}`);
        break;
      case 'exhausted':
        log.info('        every combination has been tried');
        break;
      case 'timeIsUp':
        stop();
        log.info('time    is up; everything is saved, --resume goes on');
        break;
      default:
        event satisfies never;
    }
  };
  return { onEvent, stop };
}

function outcome(trial: Trial, trials: readonly Trial[], monitor: Recipe['monitor']): string {
  if (trial.state === 'failed') return `failed: ${trial.problem ?? ''}`;
  const best = bestTrial(trials, monitor);
  const standing = best === undefined || best.number === trial.number ? 'the best so far' : `best so far: trial ${best.number} with ${scoreText(best, monitor)}`; // prettier-ignore
  const end = trial.state === 'pruned' ? `, pruned after epoch ${trial.scores.length} of ${trial.epochs}` : '';
  return `${scoreName(monitor)} ${scoreText(trial, monitor)}${end}; ${formatSeconds(trial.seconds)}; ${standing}`;
}
