import { buildModel, type Model } from '../models/index.ts';
import { openCompileTarget, type CompileTarget } from '../runtime/index.ts';
import {
  augmentationProgram,
  computeTypeOf,
  evaluationProgram,
  trainingProgram,
  type Recipe,
  type RecipeProgram,
} from '../train/index.ts';
import { compileCosts, type CompiledCosts, type Outcome } from './compile-costs.ts';
import { expectBatch, searchLargestBatch, type LargestBatch } from './fit-search.ts';
import { roofline, type Roofline } from './roofline.ts';

/** Programs of a recipe, as a plan compiles them. */
export const PROGRAM_NAMES = ['train', 'evaluate', 'augment'] as const;
/** Name of a program that a plan may compile. */
export type ProgramName = (typeof PROGRAM_NAMES)[number];

const PROGRAMS: Readonly<Record<ProgramName, (model: Model, recipe: Recipe, replicas: number) => RecipeProgram>> = {
  train: trainingProgram,
  evaluate: evaluationProgram,
  augment: augmentationProgram,
};

/** What is planned, and for which slice. */
export interface PlanRequest {
  readonly recipe: Recipe;
  readonly classes: number;
  readonly examples: number;
  readonly validationExamples: number;
  /** Such as `v3-8`. */
  readonly target: string;
  /** Examples a replica, in place of the recipe's batch over all of them. */
  readonly perReplica?: number;
  /** Besides the training program, which is always compiled. */
  readonly programs?: readonly ProgramName[];
  /** Finds the largest batch that fits by compiling; without, it is what the memory lets expect. */
  readonly search?: boolean;
  /** Pictures a second that one core decodes. */
  readonly decodeRate: number;
  /** Folder that keeps what compilers made of programs. */
  readonly cache?: string;
  /** Called before each program is compiled. */
  readonly onCompile?: (program: string) => void;
}

/** Whether the hosts' processors decode pictures as fast as the devices take them. */
export interface InputEstimate {
  /** Pictures a second and host that training takes. */
  readonly needed: number;
  /** Pictures a second that a host decodes, at the measured rate of a core of this machine. */
  readonly decoded: number;
  readonly feeds: boolean;
}

/** What a recipe takes on a TPU; sizes and costs are those of one device, seconds of a step on all of them. */
export interface Plan {
  readonly target: string;
  readonly kind: string;
  readonly replicas: number;
  readonly hosts: number;
  readonly batchSize: number;
  readonly computeType: string;
  readonly fits: boolean;
  readonly memoryBytes: number;
  readonly peakBytes: number;
  readonly argumentBytes: number;
  readonly tempBytes: number;
  readonly largestBatch: { readonly batchSize: number; readonly compiled: boolean };
  /** All that follows is undefined for a program that doesn't fit. */
  readonly costs?: PlanCosts;
}

/** What the compiled programs take. */
export interface PlanCosts {
  readonly train: CompiledCosts;
  readonly evaluate?: CompiledCosts;
  readonly augment?: CompiledCosts;
  /** Seconds of the compiler's own schedule: the cautious figure beside its best case. */
  readonly scheduledSeconds: number;
  readonly imagesPerSecond: number;
  /** A pass over the training examples and one over the validation examples. */
  readonly epochSeconds: number;
  readonly totalSeconds: number;
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
  const { recipe: given, classes, cache, onCompile = () => {} } = request;
  const recipe = request.perReplica === undefined ? given : { ...given, batchSize: request.perReplica * replicas };
  const size = { height: recipe.size, width: recipe.size };
  const model = buildModel({ ...recipe.model, classes, size, computeType: computeTypeOf(recipe.precision, 'tpu') });
  const compile = async (program: ProgramName, batchSize: number): Promise<Outcome> => {
    onCompile(`${program}, batch ${batchSize}`);
    return compileCosts(target, PROGRAMS[program](model, { ...recipe, batchSize }, replicas), cache);
  };

  const train = await compile('train', recipe.batchSize);
  const first = { perReplica: recipe.batchSize / replicas, outcome: train };
  const largest: LargestBatch =
    request.search === true
      ? await searchLargestBatch(first, memoryBytes, async (perReplica) => compile('train', perReplica * replicas))
      : { perReplica: expectBatch(first.perReplica, train, memoryBytes), compiled: false };
  const plan = {
    target: target.target.name,
    kind: target.kind,
    replicas,
    hosts: target.hosts,
    batchSize: recipe.batchSize,
    computeType: model.computeType,
    fits: train.fits,
    memoryBytes,
    peakBytes: train.fits ? train.peakBytes : train.argumentBytes + train.tempBytes,
    argumentBytes: train.argumentBytes,
    tempBytes: train.tempBytes,
    largestBatch: { batchSize: largest.perReplica * replicas, compiled: largest.compiled },
  };
  if (!train.fits) return plan;

  const others: Partial<Record<ProgramName, CompiledCosts>> = {};
  for (const name of request.programs ?? PROGRAM_NAMES) {
    if (name === 'train') continue;
    const outcome = await compile(name, recipe.batchSize);
    if (outcome.fits) others[name] = outcome;
  }
  return { ...plan, costs: { train, ...others, ...timesOf(target, request, recipe, train, others.evaluate) } };
}

function timesOf(
  { target, hosts }: CompileTarget,
  { examples, validationExamples, decodeRate }: PlanRequest,
  recipe: Recipe,
  train: CompiledCosts,
  evaluate: CompiledCosts | undefined,
): Omit<PlanCosts, ProgramName> {
  const steps = Math.ceil(examples / recipe.batchSize);
  const evaluations = Math.ceil(validationExamples / recipe.batchSize);
  const epochSeconds = steps * train.seconds + evaluations * (evaluate?.seconds ?? 0);
  const imagesPerSecond = recipe.batchSize / train.seconds;
  const needed = imagesPerSecond / hosts;
  const decoded = decodeRate * target.hostCpus;
  return {
    scheduledSeconds: train.profile.cycles / target.clock,
    imagesPerSecond,
    epochSeconds,
    totalSeconds: recipe.epochs * epochSeconds,
    roofline: roofline(train, target),
    input: { needed, decoded, feeds: decoded >= needed },
  };
}
