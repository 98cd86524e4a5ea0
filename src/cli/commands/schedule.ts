import { formatTable } from '../../base/index.ts';
import { sparkline, writeChart } from '../../report/index.ts';
import { learningRate, phasesOf } from '../../train/index.ts';
import type { AddCommand } from '../command.ts';
import { parseCount, parsePositive } from '../numbers.ts';
import { recipeFrom } from '../train/recipe-source.ts';

interface Flags {
  readonly epochs?: number;
  readonly learningRate?: number;
  readonly stepsPerEpoch: number;
  readonly set?: readonly string[];
  readonly out?: string;
  readonly json?: boolean;
}

/** `sepal schedule RECIPE`. */
export const addSchedule: AddCommand = (program, context) => {
  program
    .command('schedule')
    .description('draw the learning rates of a recipe before training')
    .argument('[recipe]', 'a recipe file, or the name of one that comes with Sepal', 'cnn')
    .option('--epochs <n>', 'passes over the training images', parseCount)
    .option('--learning-rate <rate>', 'the highest learning rate of the schedule', parsePositive)
    .option(
      '--steps-per-epoch <n>',
      'training images divided by the recipe’s own batch size; a phase of another one takes the steps of as many images',
      parseCount,
      100,
    )
    .option('--set <path=value...>', 'any setting of the recipe, such as schedule.warmup=2')
    .option('--out <file>', 'write a chart, SVG or PNG')
    .option('--json', 'print the rate of every step as JSON')
    .addHelpText('after', '\nExample:\n  sepal schedule cnn --epochs 30 --out schedule.png')
    .action(async (recipeName: string, flags: Flags) => {
      const { name, recipe } = await recipeFrom(recipeName, {
        ...flags,
        device: 'auto',
        badRecords: 'fail',
        report: false,
      });
      const { stepsPerEpoch } = flags;
      const examples = stepsPerEpoch * recipe.batchSize;
      const phases = phasesOf(recipe).map((phase) => ({
        ...phase,
        stepsPerEpoch: Math.ceil(examples / phase.batchSize),
      }));
      const names = [...new Set(phases.map(({ schedule }) => schedule.name))];
      // Each phase begins its schedule anew.
      const byEpoch = phases.flatMap((phase) =>
        Array.from({ length: phase.epochs }, (_, epoch) =>
          Array.from({ length: phase.stepsPerEpoch }, (__, step) =>
            learningRate(phase.schedule, epoch * phase.stepsPerEpoch + step, phase.stepsPerEpoch, phase.epochs),
          ),
        ),
      );
      const rates = byEpoch.flat();
      if (flags.out !== undefined) {
        await writeChart(
          {
            title: `Learning rate of ${name}: ${names.join(', ')}`,
            xName: 'epoch',
            yName: 'learning rate',
            points: byEpoch.flatMap((steps, epoch) => steps.map((y, step) => ({ x: epoch + step / steps.length, y }))),
          },
          flags.out,
        );
      }
      if (flags.json === true) {
        console.log(
          JSON.stringify({
            recipe: name,
            schedules: phases.map((phase) => phase.schedule),
            phases: phases.map((phase) => ({
              epochs: phase.epochs,
              batchSize: phase.batchSize,
              stepsPerEpoch: phase.stepsPerEpoch,
            })),
            epochs: recipe.epochs,
            stepsPerEpoch,
            rates,
          }),
        );
        return;
      }
      const rows = byEpoch.map((steps, epoch) => [
        String(epoch + 1),
        steps[0].toExponential(3),
        steps[steps.length - 1].toExponential(3),
      ]);
      console.log(`${sparkline(rates)}\n`);
      console.log(formatTable([['epoch', 'first step', 'last step'], ...rows], [0, 1, 2]));
      if (names.includes('plateau')) {
        context().log.info('plateau: as long as the validation score gets better; it is lower after each reduction');
      }
      if (flags.out !== undefined) context().log.info(`chart   ${flags.out}`);
    });
};
