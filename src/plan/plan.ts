import { openCompileTarget, type CompileTarget } from '../runtime/index.ts';
import { mixesPairs, phasesOf, type Recipe } from '../train/index.ts';
import { expectBatch, searchLargestBatch, type LargestBatch } from './fit-search.ts';
import { PhasePlanner, type PhaseCosts, type PhasePlan, type PhaseRequest } from './phase-plan.ts';
import { roofline, type Roofline } from './roofline.ts';

/** What is planned, and for which slice. */
export interface PlanRequest extends PhaseRequest {
  readonly recipe: Recipe;
  /** Such as `v3-8`. */
  readonly target: string;
  /** Examples a replica, in place of the recipe's batch over all of them. */
  readonly perReplica?: number;
  /** Finds the largest batch that fits by compiling; without, it is what the memory lets expect. */
  readonly search?: boolean;
  /** Pictures a second that one core decodes. */
  readonly decodeRate: number;
}

/** Whether the hosts' processors decode pictures as fast as the devices take them. */
export interface InputEstimate {
  /** Pictures a second and host that training takes. */
  readonly needed: number;
  /** Pictures a second that a host decodes, at the measured rate of a core of this machine. */
  readonly decoded: number;
  readonly feeds: boolean;
}

/**
 * What a recipe takes on a TPU; sizes and costs are those of one device, seconds of a step on all of them. Those of a
 * recipe with phases are of the phase that takes the most memory where one doesn't fit, else the most time.
 */
export interface Plan extends Omit<PhasePlan, 'costs' | 'epochs'> {
  readonly target: string;
  readonly kind: string;
  readonly replicas: number;
  readonly hosts: number;
  readonly memoryBytes: number;
  readonly largestBatch: { readonly batchSize: number; readonly compiled: boolean };
  readonly phases: readonly PhasePlan[];
  /** Undefined where a phase doesn't fit. */
  readonly costs?: PlanCosts;
}

/** What the compiled programs take. */
export interface PlanCosts extends PhaseCosts {
  readonly imagesPerSecond: number;
  readonly roofline: Roofline;
  readonly input: InputEstimate;
}

/** Compiles a recipe's programs for a TPU and says what they take. @throws RuntimeError for a target there is not. */
export async function planRecipe(request: PlanRequest): Promise<Plan> {
  const target = await openCompileTarget(request.target);
  try {
    return await planOn(target, request);
  } finally {
    target.close();
  }
}

async function planOn(target: CompileTarget, request: PlanRequest): Promise<Plan> {
  const { replicas, memoryBytes } = target;
  const { recipe, perReplica, search = false } = request;
  const given = phasesOf(recipe);
  const planners = given.map((phase, i) => {
    const sized = perReplica === undefined ? phase : { ...phase, batchSize: perReplica * replicas };
    return new PhasePlanner(target, request, sized, given.length === 1 ? '' : `phase ${i + 1}, `);
  });
  const phases: PhasePlan[] = [];
  for (const planner of planners) phases.push(await planner.plan());

  const fits = phases.every((phase) => phase.fits);
  const shown = phases.indexOf(greatest(phases, ({ peakBytes, costs }) => (fits ? costs!.totalSeconds : peakBytes)));
  const fullest = planners[phases.indexOf(greatest(phases, ({ peakBytes }) => peakBytes))];
  const { epochs: _, costs, ...phase } = phases[shown];
  return {
    ...phase,
    target: target.target.name,
    kind: target.kind,
    replicas,
    hosts: target.hosts,
    fits,
    memoryBytes,
    peakBytes: Math.max(...phases.map(({ peakBytes }) => peakBytes)),
    largestBatch: await largestBatch(fullest, replicas, memoryBytes, search),
    phases,
    costs: fits && costs !== undefined ? { ...costs, ...wholeOf(phases), ...ratesOf(target, request, phase.batchSize, costs) } : undefined, // prettier-ignore
  };
}

const greatest = <T>(items: readonly T[], by: (item: T) => number): T =>
  items.reduce((best, item) => (by(item) > by(best) ? item : best));

/** By the program that fills the memory, of the phase that does. */
async function largestBatch(
  planner: PhasePlanner,
  replicas: number,
  memoryBytes: number,
  search: boolean,
): Promise<Plan['largestBatch']> {
  const program = planner.caches ? 'features' : 'train';
  const step = replicas * rowsTogether(planner);
  const first = { count: planner.phase.batchSize / step, outcome: await planner.compile(program) };
  const largest: LargestBatch = search
    ? await searchLargestBatch(first, memoryBytes, async (count) => planner.compile(program, count * step))
    : { count: expectBatch(first.count, first.outcome, memoryBytes), compiled: false };
  return { batchSize: largest.count * step, compiled: largest.compiled };
}

/** Examples by which a replica's share of a batch can grow: one for each part of it, or a pair where they are mixed. */
function rowsTogether({ phase: { accumulate, augment }, caches }: PhasePlanner): number {
  return !caches && mixesPairs(augment) ? 2 * accumulate : accumulate;
}

/** Seconds of all phases together. */
function wholeOf(phases: readonly PhasePlan[]): Pick<PhaseCosts, 'totalSeconds' | 'scheduledTotalSeconds'> {
  const sum = (seconds: (costs: PhaseCosts) => number) =>
    phases.reduce((total, { costs }) => total + (costs === undefined ? 0 : seconds(costs)), 0);
  return {
    totalSeconds: sum(({ totalSeconds }) => totalSeconds),
    scheduledTotalSeconds: sum(({ scheduledTotalSeconds }) => scheduledTotalSeconds),
  };
}

function ratesOf(
  { target, hosts }: CompileTarget,
  { decodeRate }: PlanRequest,
  batchSize: number,
  { train, features }: PhaseCosts,
): Pick<PlanCosts, 'imagesPerSecond' | 'roofline' | 'input'> {
  const imagesPerSecond = batchSize / train.seconds;
  // Of features that are kept, the pictures are decoded once, as they are computed.
  const needed = (features === undefined ? imagesPerSecond : batchSize / features.seconds) / hosts;
  const decoded = decodeRate * target.hostCpus;
  return {
    imagesPerSecond,
    roofline: roofline(train, target),
    input: { needed, decoded, feeds: decoded >= needed },
  };
}
