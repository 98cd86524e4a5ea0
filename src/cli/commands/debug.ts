import { formatCount, formatTable, plural } from '../../base/index.ts';
import { diagnose, readDiverged, whatDiverged, type Diagnosis, type Soundness } from '../../train/index.ts';
import type { AddCommand, Context } from '../command.ts';
import { addDeviceOptions, openDevice, type DeviceFlags } from '../device-flags.ts';

interface Flags extends DeviceFlags {
  readonly all?: boolean;
  readonly json?: boolean;
}

/** `sepal debug RUN`. */
export const addDebug: AddCommand = (program, context) => {
  const command = program
    .command('debug')
    .description('run the step again at which a run’s loss or gradients were not finite, and show what each layer gave')
    .argument('<run>', 'run folder with the diverged.safetensors that sepal train wrote')
    .option('--all', 'show all layers, not only those around the first that went wrong')
    .option('--json', 'print JSON');
  addDeviceOptions(command)
    .addHelpText(
      'after',
      `
The step runs on as many replicas as the run had, unless --replicas says
otherwise: each replica takes the batch-norm statistics of its own images.

Examples:
  sepal debug runs/first
  sepal debug runs/first --device cpu --all`,
    )
    .action(async (run: string, flags: Flags) => {
      await debug(run, flags, context());
    });
};

async function debug(run: string, flags: Flags, context: Context): Promise<void> {
  const { step } = await readDiverged(run);
  const backend = await openDevice({ ...flags, replicas: flags.replicas ?? step.replicas }, context);
  try {
    const found = await diagnose(backend, run);
    if (flags.json === true) {
      console.log(JSON.stringify(found, undefined, 2));
      return;
    }
    const { log } = context;
    log.info(`step    ${formatCount(step.step)}, in epoch ${step.epoch}: ${whatDiverged(step)}; learning rate ${Number(step.learningRate.toPrecision(3))}, seed ${step.seed}`); // prettier-ignore
    log.info(`batch   ${plural(step.images.length, 'image')}: ${listed(step.images)}`);
    log.info(`device  ${backend.describe()}`);
    console.log(layerTable(found, flags.all === true));
    if (found.images.length > 0) console.log(`\nimages whose loss is not finite: ${listed(found.images)}`);
    console.log(`\nfirst: ${found.first ?? 'nothing: all is finite here, so the step went wrong in rounding, or on its device'}`); // prettier-ignore
  } finally {
    await backend.close();
  }
}

/** Rows of the table before and after the first that is not finite. */
const AROUND = 6;

function layerTable({ layers }: Diagnosis, isWhole: boolean): string {
  const rows = layers.map(({ layer, output, gradient, parameters }) => ({
    cells: [
      layer,
      ...figures(output),
      ...figures(gradient),
      ...figures(joined(parameters.map((parameter) => parameter.gradient))),
    ],
    isUnsound: [output, gradient, ...parameters.map((parameter) => parameter.gradient)].some((sound) => sound !== undefined && sound.unsound > 0), // prettier-ignore
  }));
  // Forward it is the first output, backward the last gradient: what lies between them is all of it.
  const edges = rows.flatMap(({ isUnsound }, i) => (isUnsound !== (rows[i - 1]?.isUnsound ?? false) ? [i] : []));
  const isShown = (i: number) =>
    isWhole || rows.length <= 4 * AROUND || edges.some((edge) => Math.abs(i - edge) <= AROUND);
  const shown: string[][] = [];
  for (const [i, { cells }] of rows.entries()) {
    if (isShown(i)) shown.push(cells);
    else if (isShown(i - 1) || i === 0) shown.push(['…']);
  }
  const head = ['layer', 'output up to', 'not finite', 'gradient up to', 'not finite', "variables' gradients up to", 'not finite']; // prettier-ignore
  return formatTable([head, ...shown], [1, 2, 3, 4, 5, 6]);
}

/** Several tensors as one. */
function joined(sounds: readonly Soundness[]): Soundness | undefined {
  if (sounds.length === 0) return undefined;
  return {
    count: sounds.reduce((sum, { count }) => sum + count, 0),
    unsound: sounds.reduce((sum, { unsound }) => sum + unsound, 0),
    greatest: Math.max(...sounds.map(({ greatest }) => greatest)),
  };
}

function figures(sound: Soundness | undefined): [string, string] {
  if (sound === undefined) return ['', ''];
  const { count, unsound, greatest } = sound;
  const share = unsound === 0 ? '' : unsound === count ? 'all' : `${formatCount(unsound)} of ${formatCount(count)}`;
  return [unsound === count ? '–' : greatest.toExponential(1), share];
}

function listed(ids: readonly string[]): string {
  const shown = ids.slice(0, 8).join(', ');
  return ids.length > 8 ? `${shown}, … (diverged.json has all)` : shown;
}
