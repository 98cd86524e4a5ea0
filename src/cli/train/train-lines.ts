import type { Backend } from '../../runtime/index.ts';
import type { Recipe, TrainEvent, TrainingData, TrainResult } from '../../train/index.ts';

/** What `sepal train --json` prints on stdout: one object a line, `event` first. Nothing, unless it is wanted. */
export function trainLines(wanted: boolean): {
  start: (out: string, name: string, recipe: Recipe, backend: Backend, data: TrainingData) => void;
  onEvent: (event: TrainEvent) => void;
  end: (out: string, result: TrainResult, report: string | undefined) => void;
} {
  const print = (event: string, fields: object) => {
    if (wanted) console.log(JSON.stringify({ event, ...fields }));
  };
  return {
    start(out, name, { model, epochs, batchSize }, { platform, replicas }, { train, validation }) {
      print('start', {
        out,
        recipe: name,
        model: model.name,
        epochs,
        batchSize,
        device: platform,
        replicas,
        classes: train.classNames.length,
        images: { train: train.count, val: validation.count },
      });
    },
    onEvent(event) {
      if (event.kind === 'epoch') print('epoch', { ...event.row, isBest: event.isBest });
      if (event.kind === 'resumed') print('resumed', { step: event.step });
    },
    end(out, { best, evaluation, seconds, stoppedEarly, timeIsUp }, report) {
      const { macroF1, accuracy } = evaluation.confusion;
      print('end', { out, epoch: best.epoch, macroF1, accuracy, seconds, stoppedEarly, timeIsUp, report });
    },
  };
}
