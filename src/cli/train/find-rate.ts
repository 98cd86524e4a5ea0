import { join } from 'node:path';
import { startProgress } from '../../base/index.ts';
import { requireWeights } from '../../models/index.ts';
import { sparkline, writeChart } from '../../report/index.ts';
import { findLearningRate } from '../../train/index.ts';
import type { Context } from '../command.ts';
import { openDevice } from '../device-flags.ts';
import { recipeFrom } from './recipe-source.ts';
import type { TrainFlags } from './train-flags.ts';
import { TrainingSource } from './training-source.ts';

const STEPS = 100;

/** `sepal train --find-lr`: tries rates in a short training that is thrown away, and draws what the loss did. */
export async function findRate(recipeName: string, flags: TrainFlags, context: Context): Promise<void> {
  const { name, recipe } = await recipeFrom(recipeName, flags);
  requireWeights(recipe.model.name, recipe.weights);
  const source = new TrainingSource(flags, context);
  try {
    const data = await source.splits(recipe.phases?.[0].size ?? recipe.size);
    const backend = await openDevice(flags, context);
    try {
      const bar = startProgress({ label: 'trying rates', total: STEPS, unit: 'steps/s' });
      const { points, suggested } = await findLearningRate({
        recipe,
        backend,
        data,
        steps: STEPS,
        signal: context.signal,
        onStep: (step, rate, loss) => bar.update(step, `rate ${rate.toExponential(1)}, loss ${loss.toFixed(3)}`),
      }).finally(() => bar.stop());
      const chart = flags.out === undefined ? `learning-rates-${name}.png` : join(flags.out, 'learning-rates.png');
      await writeChart(
        {
          title: `Loss of ${name} by learning rate`,
          xName: 'learning rate',
          yName: 'loss (smoothed)',
          points: points.map(({ rate, loss }) => ({ x: rate, y: loss })),
          logX: true,
          mark: { x: suggested, label: `suggested: ${suggested.toPrecision(2)}` },
        },
        chart,
      );
      const last = points[points.length - 1];
      context.log.info(sparkline(points.map(({ loss }) => loss)));
      context.log.info(
        `rates   ${points[0].rate.toExponential(1)} to ${last.rate.toExponential(1)}, ${points.length} steps`,
      );
      context.log.info(`chart   ${chart}`);
      const rate = Number(suggested.toPrecision(2));
      const text = `suggested --learning-rate ${rate} (where the loss has come nearly all its way down)`;
      console.log(flags.json === true ? JSON.stringify({ suggested: rate, chart, points }) : text);
    } finally {
      await backend.close();
    }
  } finally {
    await source.close();
  }
}
