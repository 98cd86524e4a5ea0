import { formatBytes, formatCount, formatSeconds, formatTable } from '../base/index.ts';
import type { CompiledCosts } from './compile-costs.ts';
import type { PhasePlan } from './phase-plan.ts';
import type { Plan } from './plan.ts';

/** A plan as programs read it; what a program that doesn't fit has no figures for is null. */
export function planJson(plan: Plan): Record<string, unknown> {
  const { costs, largestBatch, phases, ...rest } = plan;
  const program = (costsOf: CompiledCosts | undefined) =>
    costsOf === undefined
      ? null
      : { seconds: costsOf.seconds, flops: costsOf.flops, bytesAccessed: costsOf.bytesAccessed, peakBytes: costsOf.peakBytes }; // prettier-ignore
  return {
    ...rest,
    largestBatch: largestBatch.batchSize,
    largestBatchCompiled: largestBatch.compiled,
    flops: costs?.train.flops ?? null,
    bytesAccessed: costs?.train.bytesAccessed ?? null,
    stepSeconds: costs?.train.seconds ?? null,
    scheduledSeconds: costs?.scheduledSeconds ?? null,
    epochSeconds: costs?.epochSeconds ?? null,
    totalSeconds: costs?.totalSeconds ?? null,
    scheduledTotalSeconds: costs?.scheduledTotalSeconds ?? null,
    phases: phases.map(phaseJson),
    imagesPerSecond: costs?.imagesPerSecond ?? null,
    roofline: costs?.roofline ?? null,
    input: costs?.input ?? null,
    evaluate: program(costs?.evaluate),
    augment: program(costs?.augment),
    layers: costs === undefined ? null : costs.train.profile.layers,
    compileSeconds: costs?.train.compileSeconds ?? null,
  };
}

function phaseJson({ costs, ...phase }: PhasePlan): Record<string, unknown> {
  return {
    ...phase,
    stepSeconds: costs?.train.seconds ?? null,
    epochSeconds: costs?.epochSeconds ?? null,
    featureSeconds: costs?.featureSeconds ?? null,
    totalSeconds: costs?.totalSeconds ?? null,
  };
}

const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(2)} GB`;
const percent = (share: number) => `${(100 * share).toFixed(0)} %`;
const milliseconds = (seconds: number) => `${(1000 * seconds).toFixed(seconds < 0.1 ? 2 : 1)} ms`;

/** One line of the table: what it says of a plan. */
type Line = readonly [label: string, cell: (plan: Plan) => string];

const none = '–';
const ofCosts =
  (cell: (costs: NonNullable<Plan['costs']>, plan: Plan) => string) =>
  (plan: Plan): string =>
    plan.costs === undefined ? none : cell(plan.costs, plan);

const LINES: readonly Line[] = [
  ['REPLICAS', ({ replicas, hosts }) => `${replicas}${hosts > 1 ? ` on ${hosts} hosts` : ''}`],
  ['batch (a replica)', ({ batchSize, replicas }) => `${batchSize} (${batchSize / replicas})`],
  ['computes in', ({ computeType }) => computeType],
  ['fits', ({ fits }) => (fits ? 'yes' : 'NO')],
  ['peak memory', ({ peakBytes }) => gigabytes(peakBytes)],
  ['of', ({ memoryBytes }) => gigabytes(memoryBytes)],
  ['arguments', ({ argumentBytes }) => gigabytes(argumentBytes)],
  ['temporary', ({ tempBytes }) => gigabytes(tempBytes)],
  [
    'largest batch',
    ({ largestBatch: { batchSize, compiled } }) => `${compiled ? '' : 'about '}${formatCount(batchSize)}`,
  ],
  ['operations', ofCosts(({ train }) => `${(train.flops / 1e9).toFixed(1)} GFLOP`)],
  ['bytes', ofCosts(({ train }) => gigabytes(train.bytesAccessed))],
  ['step, at best', ofCosts(({ train }) => milliseconds(train.seconds))],
  ['step, as scheduled', ofCosts(({ scheduledSeconds }) => milliseconds(scheduledSeconds))],
  ['evaluation step', ofCosts(({ evaluate }) => (evaluate === undefined ? none : milliseconds(evaluate.seconds)))],
  ['augmentation alone', ofCosts(({ augment }) => (augment === undefined ? none : milliseconds(augment.seconds)))],
  ['bound by', ofCosts(({ roofline }) => roofline.bound)],
  ['of peak FLOP/s', ofCosts(({ roofline }) => percent(roofline.computeShare))],
  ['of peak bytes/s', ofCosts(({ roofline }) => percent(roofline.memoryShare))],
  ['images/s', ofCosts(({ imagesPerSecond }) => formatCount(Math.round(imagesPerSecond)))],
  [
    'host decodes',
    ofCosts(({ input }) => `${formatCount(Math.round(input.decoded))}/s of ${formatCount(Math.round(input.needed))}`),
  ],
  ['host feeds it', ofCosts(({ input }) => (input.feeds ? 'yes' : 'first epoch NO'))],
  ['epoch', ofCosts(({ epochSeconds }) => formatSeconds(epochSeconds))],
  ['whole recipe', ofCosts(({ totalSeconds }) => formatSeconds(totalSeconds))],
  ['… as scheduled', ofCosts(({ scheduledTotalSeconds }) => formatSeconds(scheduledTotalSeconds))],
  ['compiled in', ofCosts(({ train }) => formatSeconds(train.compileSeconds))],
];

/** Layers that a table shows. */
const SHOWN = 12;

/** Plans side by side, then which layers take the time and the memory of the first that fits. */
export function planTable(plans: readonly Plan[]): string {
  const head = ['', ...plans.map(({ target }) => target)];
  const rows = LINES.map(([label, cell]) => [label, ...plans.map(cell)]);
  const table = formatTable(
    [head, ...rows],
    plans.map((_, i) => i + 1),
  );
  const shown = plans.find(({ costs }) => costs !== undefined);
  const phased = plans.filter(({ phases }) => phases.length > 1).map(phaseTable);
  return [table, ...phased, ...(shown === undefined ? [] : [layerTable(shown)])].join('\n\n');
}

/** What each phase takes; the table above is that of the longest, or of the one that doesn't fit. */
function phaseTable({ target, phases }: Plan): string {
  const rows = phases.map(({ epochs, size, batchSize, freeze, cachesFeatures, fits, peakBytes, costs }, i) => [
    String(i + 1),
    String(epochs),
    String(size),
    String(batchSize),
    cachesFeatures ? `${freeze}, features kept` : freeze,
    `${gigabytes(peakBytes)}${fits ? '' : ': NO'}`,
    costs === undefined ? none : milliseconds(costs.train.seconds),
    costs === undefined ? none : formatSeconds(costs.featureSeconds),
    costs === undefined ? none : formatSeconds(costs.epochSeconds),
    costs === undefined ? none : formatSeconds(costs.totalSeconds),
  ]);
  const head = [`${target}: phase`, 'epochs', 'px', 'batch', 'frozen', 'peak', 'step', 'features', 'epoch', 'in all'];
  return formatTable([head, ...rows], [1, 2, 3, 5, 6, 7, 8, 9]);
}

function layerTable({ target, costs }: Plan): string {
  if (costs === undefined) return '';
  const { cycles, bytes, layers } = costs.train.profile;
  const byTime = layers.slice(0, SHOWN);
  const byMemory = layers.toSorted((a, b) => b.bytes - a.bytes).slice(0, SHOWN);
  const rows = byTime.map((layer, i) => [
    layer.layer,
    percent(layer.cycles / cycles),
    byMemory[i]?.layer ?? '',
    byMemory[i] === undefined ? '' : percent(byMemory[i].bytes / bytes),
    byMemory[i] === undefined ? '' : formatBytes(byMemory[i].bytes),
  ]);
  const head = [`${target}: layers by time`, '', 'by memory at the fullest moment', '', ''];
  return formatTable([head, ...rows], [1, 3, 4]);
}
