import { assert } from '../base/index.ts';
import { buildModel } from '../models/index.ts';
import type { CompileTarget } from '../runtime/index.ts';
import {
  augmentationProgram,
  computeTypeOf,
  evaluationProgram,
  featureProgram,
  featureSplit,
  modelRequest,
  trainingProgram,
  type Phase,
  type RecipeProgram,
} from '../train/index.ts';
import { compileCosts, type CompiledCosts, type Outcome } from './compile-costs.ts';

/** Programs of a recipe, as a plan compiles them. */
export const PROGRAM_NAMES = ['train', 'evaluate', 'augment'] as const;
/** Name of a program that a plan may compile. */
export type ProgramName = (typeof PROGRAM_NAMES)[number];

/** What a phase is planned with. */
export interface PhaseRequest {
  readonly classes: number;
  readonly examples: number;
  readonly validationExamples: number;
  /** Besides the training program, which is always compiled. */
  readonly programs?: readonly ProgramName[];
  /** Folder that keeps what compilers made of programs. */
  readonly cache?: string;
  /** Called before each program is compiled. */
  readonly onCompile?: (program: string) => void;
}

/** What a phase of a recipe takes; a recipe without phases is one. */
export interface PhasePlan {
  readonly epochs: number;
  readonly freeze: string;
  readonly size: number;
  readonly batchSize: number;
  readonly computeType: string;
  /** Whether features are computed once, and the head trains on them. */
  readonly cachesFeatures: boolean;
  readonly fits: boolean;
  readonly peakBytes: number;
  readonly argumentBytes: number;
  readonly tempBytes: number;
  /** Undefined for a phase that doesn't fit. */
  readonly costs?: PhaseCosts;
}

/** What a phase's compiled programs take. */
export interface PhaseCosts {
  readonly train: CompiledCosts;
  readonly evaluate?: CompiledCosts;
  readonly augment?: CompiledCosts;
  /** The network before the head, where it runs once over all images. */
  readonly features?: CompiledCosts;
  /** Seconds of a step by the compiler's own schedule: the cautious figure beside its best case. */
  readonly scheduledSeconds: number;
  /** A pass over the training examples and one over the validation examples. */
  readonly epochSeconds: number;
  /** Computing the features of all images; 0 where none are kept. */
  readonly featureSeconds: number;
  readonly totalSeconds: number;
  /** The same, as scheduled. */
  readonly scheduledTotalSeconds: number;
}

/** A phase's programs for a target, and what they take. */
export class PhasePlanner {
  readonly phase: Phase;
  readonly caches: boolean;
  readonly #target: CompileTarget;
  readonly #request: PhaseRequest;
  readonly #programs: Readonly<Record<ProgramName | 'features', (batchSize: number) => RecipeProgram>>;
  readonly #computeType: string;
  readonly #label: string;
  readonly #outcomes = new Map<string, Outcome>();

  constructor(target: CompileTarget, request: PhaseRequest, phase: Phase, label: string) {
    const { classes, examples: train, validationExamples: validation } = request;
    const { replicas } = target;
    const size = { height: phase.size, width: phase.size };
    const model = buildModel(
      modelRequest(phase, { classes, size, computeType: computeTypeOf(phase.precision, { hasBfloat16Units: true }) }),
    );
    const split = featureSplit(model, phase, { train, validation });
    this.phase = phase;
    this.caches = split !== undefined;
    this.#target = target;
    this.#request = request;
    this.#label = label;
    this.#computeType = model.computeType;
    this.#programs = {
      train: (batchSize) => trainingProgram(model, { ...phase, batchSize }, replicas, split?.head),
      evaluate: (batchSize) => evaluationProgram(split?.head ?? model, { batchSize }, replicas),
      augment: (batchSize) => augmentationProgram(model, { ...phase, batchSize }, replicas),
      features: (batchSize) => {
        assert(split !== undefined, 'a phase without features has no program for them');
        return featureProgram(model, split, { batchSize }, replicas);
      },
    };
  }

  /** What the compiler makes of a program at a batch size. */
  async compile(program: ProgramName | 'features', batchSize = this.phase.batchSize): Promise<Outcome> {
    const key = `${program}, batch ${batchSize}`;
    const known = this.#outcomes.get(key);
    if (known !== undefined) return known;
    this.#request.onCompile?.(this.#label + key);
    const outcome = await compileCosts(this.#target, this.#programs[program](batchSize), this.#request.cache);
    this.#outcomes.set(key, outcome);
    return outcome;
  }

  async plan(): Promise<PhasePlan> {
    const { epochs, freeze, size, batchSize } = this.phase;
    const train = await this.compile('train');
    const features = this.caches ? await this.compile('features') : undefined;
    const largest = features !== undefined && peakOf(features) > peakOf(train) ? features : train;
    const plan = {
      epochs,
      freeze,
      size,
      batchSize,
      computeType: this.#computeType,
      cachesFeatures: this.caches,
      fits: train.fits && features?.fits !== false,
      peakBytes: peakOf(largest),
      argumentBytes: largest.argumentBytes,
      tempBytes: largest.tempBytes,
    };
    if (!train.fits || features?.fits === false) return plan;
    const others: Partial<Record<ProgramName, CompiledCosts>> = {};
    for (const name of this.#request.programs ?? PROGRAM_NAMES) {
      // Nothing is augmented where features are computed of the images as they are.
      if (name === 'train' || (name === 'augment' && this.caches)) continue;
      const outcome = await this.compile(name);
      if (outcome.fits) others[name] = outcome;
    }
    return { ...plan, costs: { train, ...others, ...this.#times({ train, features, evaluate: others.evaluate }) } };
  }

  #times({ train, features, evaluate }: Pick<PhaseCosts, 'train' | 'features' | 'evaluate'>) {
    const { epochs, batchSize, featureViews } = this.phase;
    const { examples, validationExamples } = this.#request;
    const steps = Math.ceil(examples / batchSize);
    const evaluations = Math.ceil(validationExamples / batchSize);
    const scheduled = (program: CompiledCosts) => program.profile.cycles / this.#target.target.clock;
    const sums = (seconds: (program: CompiledCosts) => number) => {
      const of = (program: CompiledCosts | undefined) => (program === undefined ? 0 : seconds(program));
      const epochSeconds = steps * of(train) + evaluations * of(evaluate);
      const featureSeconds = (steps * featureViews + evaluations) * of(features);
      return { epochSeconds, featureSeconds, totalSeconds: featureSeconds + epochs * epochSeconds };
    };
    return {
      features,
      scheduledSeconds: scheduled(train),
      ...sums(({ seconds }) => seconds),
      scheduledTotalSeconds: sums(scheduled).totalSeconds,
    };
  }
}

/** What a program takes at once; for one that doesn't fit, about that. */
const peakOf = (outcome: Outcome): number =>
  outcome.fits ? outcome.peakBytes : outcome.argumentBytes + outcome.tempBytes;
