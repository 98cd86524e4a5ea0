import { treeLeaves } from '../../base/index.ts';
import type { Classifier, Model, SplitModel } from '../../models/index.ts';
import {
  allOrNone,
  dispose,
  HeldTogether,
  compileCopy,
  isDeviceArray,
  jit,
  treeToHost,
  type ArraysOf,
  type Backend,
  type DeviceArray,
} from '../../runtime/index.ts';
import { elementCount, type HostTensor } from '../../xla/index.ts';
import { trainingBatches, type DeviceBatch, type Examples } from '../step/device-batches.ts';
import { compileEvaluator, readScores, type Evaluation, type Evaluator, type Scores } from '../evaluate.ts';
import type { EvaluatorCache } from '../evaluator-cache.ts';
import type { DataFeatures, FeatureCache } from '../features/feature-cache.ts';
import { featureSplit } from '../features/feature-split.ts';
import { compileExtractor } from '../features/features.ts';
import type { Freezing } from '../recipe/freeze.ts';
import { memoryError } from '../memory-error.ts';
import { epochOrder } from '../step/order.ts';
import type { Phase } from './phase.ts';
import type { TrainingData } from '../run/run-check.ts';
import { replicateKey } from '../step/run-key.ts';
import { stepInputTypes, type StepInputs, type StepResult } from '../step/step.ts';
import { unsoundParameters } from '../step/step-check.ts';
import { stepProgram } from '../step/step-program.ts';
import {
  emptyMetrics,
  initialState,
  mergeWeights,
  pickWeights,
  stateTypes,
  type DeviceState,
  type StateOf,
  type StateSettings,
  type Weights,
  type WeightsOf,
} from '../step/train-state.ts';

/** What a phase is opened with. */
export interface PhaseSettings {
  readonly backend: Backend;
  readonly model: Model;
  readonly phase: Phase;
  readonly data: TrainingData;
  /** Values of all variables. */
  readonly weights: WeightsOf<HostTensor>;
  /** Reads the state of a run that goes on; without it the phase begins at `step`. */
  readonly resumed?: (settings: StateSettings) => StateOf<HostTensor>;
  /** Steps of the run done before the phase. */
  readonly step: number;
  /** Asked after each batch of images that features are computed of; what it throws ends that. */
  readonly check?: () => void | Promise<void>;
  /** Features of other runs, which may be the same. */
  readonly features?: FeatureCache;
  /** Evaluators of other runs, which may be the same. */
  readonly evaluators?: EvaluatorCache;
  readonly onFeatures?: (done: number, total: number) => void;
  /** Told when all that is left is to compile. */
  readonly onCompiling?: () => void;
}

/** What is known of a phase once it is compiled. */
export interface PhaseSummary {
  readonly freezing: Freezing;
  /** Whether features are computed once, and the head trains on them. */
  readonly cachesFeatures: boolean;
  readonly trainable: number;
  readonly compileSeconds: number;
  readonly fromCache: boolean;
}

type Step = (state: DeviceState, batch: DeviceBatch['arrays'], inputs: ArraysOf<StepInputs>, fixed: ArraysOf<Weights>) => Promise<ArraysOf<StepResult>>; // prettier-ignore

/** What a step tells of itself. */
export interface StepOutcome {
  /** Where something is not finite the state is as it was before the step. */
  readonly isFinite: boolean;
  /** Mean loss of the batch. */
  readonly loss: number;
  /** L2 norm of all gradients together. */
  readonly gradientNorm: number;
  /** Parameters whose gradients are not finite, in the order of the model. */
  readonly unsound: readonly string[];
}

/** The state of a moment, in memory of its own, with what is frozen. */
export interface Snapshot {
  readonly state: StateOf<DeviceArray | HostTensor>;
  /** The weights that are evaluated: the moving averages where the recipe has them. */
  readonly evaluated: WeightsOf<DeviceArray | HostTensor>;
  dispose(): void;
}

/** What a phase is made of, apart from the state that its steps change. */
interface Parts {
  readonly summary: PhaseSummary;
  readonly settings: PhaseSettings;
  readonly classifier: Classifier;
  readonly train: (epoch: number) => Examples;
  readonly validation: Examples;
  readonly step: Step;
  /** An error of a step, with what to do about it where memory ran out. */
  readonly explain: (error: unknown) => unknown;
  readonly evaluate: Evaluator;
  /** Frozen values as the step and the evaluation take them. */
  readonly fixed: ArraysOf<Weights>;
  readonly key: DeviceArray;
  readonly copy: (state: DeviceState) => Promise<DeviceState>;
  /** What is compiled: on a TPU a program takes memory of the device. */
  readonly programs: readonly { dispose(): void }[];
}

/** Training state, data and programs of one phase. Whoever opens it disposes of it. */
export class PhaseRun {
  readonly #parts: Parts;
  #state: DeviceState;

  private constructor(parts: Parts, state: DeviceState) {
    this.#parts = parts;
    this.#state = state;
  }

  static async open(settings: PhaseSettings): Promise<PhaseRun> {
    const { backend, model, phase, data, weights } = settings;
    const features = await computeFeatures(settings);
    const classifier = features?.head ?? model;
    const program = stepProgram(model, phase, backend.replicas, { head: features?.head, labels: data.train.labels });
    const explain = (error: unknown) =>
      memoryError(error, { ...phase, replicas: backend.replicas, types: program.types });
    settings.onCompiling?.();
    // Compiling a program or loading it is work for one processor much of the time, so all are at once.
    const [step, copy, own] = await allOrNone(
      [
        jit(backend, program.body, program.types, program).catch((error: unknown) => {
          throw explain(error);
        }),
        // A copy is made to be saved, which one host does.
        compileCopy(backend.own, stateTypes(program.form)),
        settings.evaluators === undefined
          ? compileEvaluator(backend, classifier, phase.batchSize)
          : Promise.resolve(undefined),
      ] as const,
      dispose,
    );
    const programs = [step, copy, ...(own === undefined ? [] : [own])];
    const held = new HeldTogether();
    for (const each of programs) held.keep(each);
    try {
      const evaluate = own ?? (await settings.evaluators!.take(backend, classifier, phase.batchSize));
      const start = settings.resumed?.(program.form) ?? initialState(program.form, weights, settings.step);
      const key = held.keep(await replicateKey(backend, phase.seed));
      const parts: Parts = {
        summary: {
          freezing: program.freezing,
          cachesFeatures: features !== undefined,
          trainable: program.freezing.trained.reduce((sum, { shape }) => sum + elementCount(shape), 0),
          compileSeconds: step.program.compileSeconds,
          fromCache: step.program.fromCache,
        },
        settings,
        classifier,
        train: features === undefined ? () => data.train : (epoch) => features.train.view(epoch),
        validation: features === undefined ? data.validation : features.validation,
        step,
        explain,
        evaluate,
        fixed: held.keepArrays(await backend.replicateTree(pickWeights(weights, program.fixed))),
        key,
        copy,
        programs,
      };
      return new PhaseRun(parts, await backend.replicateTree(start));
    } catch (error) {
      held[Symbol.dispose]();
      throw explain(error);
    }
  }

  get summary(): PhaseSummary {
    return this.#parts.summary;
  }

  /** Batches of an epoch from one of its steps on; the phase's first epoch is `first`, both count from 0 in the run. */
  batches(
    epoch: number,
    { from, first }: { readonly from: number; readonly first: number },
  ): AsyncGenerator<DeviceBatch> {
    const { backend, phase, data } = this.#parts.settings;
    const { batchSize, seed, sampling } = phase;
    return trainingBatches(backend, this.#parts.train(epoch - first), this.#parts.classifier.input, {
      batchSize,
      epochOrder: epochOrder(data.train.labels, { sampling, seed, epoch, classes: data.train.classNames.length }),
      from,
    });
  }

  /** One step on a batch. */
  async advance(batch: DeviceBatch, rate: number): Promise<StepOutcome> {
    try {
      return await this.#advance(batch, rate);
    } catch (error) {
      throw this.#parts.explain(error);
    }
  }

  async #advance(batch: DeviceBatch, rate: number): Promise<StepOutcome> {
    const learningRate = await this.#parts.settings.backend.replicate(
      Float32Array.of(rate),
      stepInputTypes.learningRate,
    );
    const { step, key, fixed } = this.#parts;
    const { state, check } = await step(this.#state, batch.arrays, { learningRate, key }, fixed).finally(() =>
      learningRate.dispose(),
    );
    this.#state = state;
    const [finite, loss, gradientNorm] = (await check.summary.toHost()) as Float32Array;
    const isFinite = finite === 1;
    const unsound = isFinite
      ? []
      : unsoundParameters(this.#state.params, (await check.squares.toHost()) as Float32Array);
    check.summary.dispose();
    check.squares.dispose();
    return { isFinite, loss, gradientNorm, unsound };
  }

  /** Mean loss of the epoch so far. */
  async meanLoss(): Promise<number> {
    const { loss, count } = this.#state.metrics;
    const [sums, counts] = await Promise.all([loss.toHost(), count.toHost()]);
    return Number(sums[0]) / Math.max(1, Number(counts[0]));
  }

  /** The sums of the epoch; the next one begins with none. */
  async takeScores(): Promise<Scores> {
    const { backend, model } = this.#parts.settings;
    const scores = await readScores(this.#state.metrics, model.classes);
    this.#state = { ...this.#state, metrics: await emptyMetrics(backend, model.classes) };
    return scores;
  }

  /** Scores of the weights, or of their moving averages, on the validation split. @throws what `check` throws after a batch. */
  async validate(check?: () => void | Promise<void>): Promise<Evaluation> {
    const { variables } = this.#parts.classifier;
    const weights = mergeWeights(this.#parts.fixed, this.#averaged(this.#state));
    return this.#parts.evaluate(pickWeights(weights, variables), this.#parts.validation, { check });
  }

  /**
   * Copies the state on the devices, where the next step is about to take its memory over. Whoever takes the copy to a
   * file then has all the time it needs. `step` is how many steps are to count as done.
   */
  async snapshot(step: number): Promise<Snapshot> {
    const copy = await this.#parts.copy(this.#state);
    const whole = (weights: ArraysOf<Weights>) => mergeWeights<DeviceArray | HostTensor>(this.#frozen, weights);
    return {
      state: { ...copy, ...whole(copy), step: { shape: [], dtype: 'uint32', data: Uint32Array.of(step) } },
      evaluated: whole(this.#averaged(copy)),
      dispose: () => {
        for (const array of treeLeaves(copy, isDeviceArray)) array.dispose();
      },
    };
  }

  /** A copy of all weights, for what comes after the phase. */
  async weightsOnHost(): Promise<WeightsOf<HostTensor>> {
    return treeToHost(mergeWeights<DeviceArray | HostTensor>(this.#frozen, this.#state));
  }

  dispose(): void {
    for (const array of treeLeaves([this.#state, this.#parts.fixed, this.#parts.key], isDeviceArray)) array.dispose();
    for (const program of this.#parts.programs) program.dispose();
  }

  #averaged(state: DeviceState): ArraysOf<Weights> {
    return this.#parts.settings.phase.ema === undefined ? state : state.ema;
  }

  get #frozen(): WeightsOf<HostTensor> {
    return pickWeights(this.#parts.settings.weights, this.summary.freezing.fixed);
  }
}

interface CachedFeatures extends DataFeatures {
  readonly head: Classifier;
}

/** The features of both splits; undefined where they change, or don't fit into memory. */
async function computeFeatures(settings: PhaseSettings): Promise<CachedFeatures | undefined> {
  const { model, phase, data, weights } = settings;
  const split = featureSplit(model, phase, { train: data.train.count, validation: data.validation.count });
  if (split === undefined) return undefined;
  const compute = async () => extractFeatures(settings, split);
  const features =
    (await settings.features?.take({ model, split, data, phase, weights }, compute)) ?? (await compute());
  return { ...features, head: split.head };
}

async function extractFeatures(settings: PhaseSettings, split: SplitModel): Promise<DataFeatures> {
  const { backend, model, phase, data, weights, check, onFeatures } = settings;
  const { batchSize, augment, seed, featureViews } = phase;
  using held = new HeldTogether();
  const extract = held.keep(await compileExtractor(backend, model, split, { batchSize, augment }));
  const arrays = held.keepArrays(await backend.replicateTree(pickWeights(weights, split.backbone)));
  const options = { batchSize, augment, seed, check };
  const before = data.train.count * featureViews;
  const total = before + data.validation.count;
  const train = await extract(arrays, data.train, {
    ...options,
    views: featureViews,
    onProgress: (done) => onFeatures?.(done, total),
  });
  const validation = await extract(arrays, data.validation, {
    ...options,
    views: 1,
    onProgress: (done) => onFeatures?.(before + done, total),
  });
  return { train, validation };
}
