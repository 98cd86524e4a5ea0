import { silent, UsageError, type Logger } from '../base/index.ts';
import type { Backend } from '../runtime/index.ts';
import { AddressPolicy } from './address-policy.ts';
import type { ModelBody } from './answer-schema.ts';
import { createApp } from './app.ts';
import { BatchPlan } from './batch-plan.ts';
import { Batcher } from './batcher.ts';
import { ByteBudget } from './byte-budget.ts';
import { Ensemble, type Answer, type Query } from './ensemble.ts';
import type { Resolver } from './fetch-image.ts';
import { isLoopback } from './host-check.ts';
import { HttpServer } from './http-server.ts';
import { ImageService } from './image-service.ts';
import { completeLimits, type Limits } from './limits.ts';
import { Metrics } from './metrics.ts';
import { loadPageAssets } from './page-assets.ts';
import { allowSafeFormatsOnly } from './picture.ts';
import { FORMAT_NAMES } from './sniff.ts';
import { TokenBuckets } from './token-buckets.ts';

/** What is served, where, and to whom. */
export interface ServeOptions {
  readonly backend: Backend;
  /** Run folders, checkpoints or folders of folds, which are averaged; or one ensemble that `sepal ensemble` wrote. */
  readonly runs: readonly string[];
  readonly version: string;
  /** Address to listen on; 127.0.0.1 by default, which only this machine reaches. */
  readonly host?: string;
  /** 0 takes any free one. */
  readonly port?: number;
  /** Probability below which the answer is "not sure". */
  readonly threshold?: number;
  /** Sizes of batches that are compiled; each a multiple of the replicas. */
  readonly batchSizes?: readonly number[];
  /** Seconds that an image may spend waiting and being classified, if batches can be chosen so. */
  readonly latencyBudget?: number;
  /** Ranges of addresses that URLs may lead to though they are not public. */
  readonly allowedRanges?: readonly string[];
  /** Takes the client's address from the last entry of `X-Forwarded-For`. */
  readonly trustProxy?: boolean;
  readonly limits?: Partial<Limits>;
  readonly log?: Logger;
  /**
   * Has the image library decode no format but those in `FORMAT_NAMES`, in this whole process and for good: for a process
   * that does nothing but serve. Without it other formats are refused by their first bytes alone.
   */
  readonly safeFormatsOnly?: boolean;
  /** Looks host names up; the system's way by default. */
  readonly resolve?: Resolver;
  /** Whether the temperature that was fitted on validation counts; by default it does. */
  readonly calibrated?: boolean;
  /** Called after each program: the model, the size of its batches, and the seconds it took. */
  readonly onCompiled?: (name: string, batchSize: number, seconds: number) => void;
}

/** A server that answers. */
export interface RunningServer {
  readonly url: string;
  readonly model: ModelBody;
  /** Images a second that the model was measured to do, without decoding. */
  readonly peak: number;
  /** Takes no more, and answers what was taken: whose images arrive within `stopSeconds`. */
  close(): Promise<void>;
}

/** Images. */
export const DEFAULT_BATCH_SIZES: readonly number[] = [1, 8, 32];
/** Seconds. */
export const DEFAULT_LATENCY_BUDGET = 0.1;
/** Probability below which an answer is "not sure". */
export const DEFAULT_THRESHOLD = 0.5;
/** Where the page is found unless told otherwise. */
export const DEFAULT_PORT = 8080;

/** Batches of each size that are run before the first request, so that their time is known. */
const WARM_UPS = 3;

/**
 * Loads models and serves them: the page, and the API it uses. It listens at once and answers with status 503 until the models are there.
 *
 * What else this process does with images stays as it is, unless `safeFormatsOnly` is set, as `sepal serve` does.
 *
 * @throws UsageError `PORT_IN_USE` or `BATCH_SIZES`, SepalError `LISTEN`, and what loading a run throws.
 */
export async function startServer(options: ServeOptions): Promise<RunningServer> {
  const { host = '127.0.0.1', port = DEFAULT_PORT } = options;
  const limits = completeLimits(options.limits);
  // Before minutes of compiling: the port may be taken.
  const http = await HttpServer.listen(host, port, limits);
  try {
    return await serveOn(http, isLoopback(host), limits, options);
  } catch (error) {
    await http.close(async () => {});
    throw error;
  }
}

async function serveOn(
  http: HttpServer,
  loopbackOnly: boolean,
  limits: Limits,
  options: ServeOptions,
): Promise<RunningServer> {
  const { backend, threshold = DEFAULT_THRESHOLD, trustProxy = false, log = silent } = options;
  const policy = new AddressPolicy(options.allowedRanges);
  const sizes = wholeBatches(options.batchSizes ?? DEFAULT_BATCH_SIZES, backend.replicas);
  const assets = await loadPageAssets();
  if (options.safeFormatsOnly === true) allowSafeFormatsOnly();

  const ensemble = await loadEnsemble(options, sizes, log);
  const plan = new BatchPlan(sizes, options.latencyBudget ?? DEFAULT_LATENCY_BUDGET);
  await warmUp(ensemble, plan).catch((error: unknown) => {
    ensemble.dispose();
    throw error;
  });

  let stopping = false;
  const batcher = new Batcher<Query, Answer>({
    plan,
    run: async (queries, size) => ensemble.answer(queries, size),
    onBatch: ({ items }) => metrics.batchImages.observe(items),
  });
  const { classNames } = ensemble;
  const { resolve } = options;
  const service = new ImageService({
    classNames,
    sizes: ensemble.sizes,
    batcher,
    plan,
    limits,
    policy,
    threshold,
    resolve,
  });
  const metrics = new Metrics({
    liveBuffers: () => backend.client.liveBufferCount,
    inFlight: () => service.inFlight,
  });
  service.metrics = metrics;
  const model = describeModel(ensemble, options, limits, threshold);
  const app = createApp({
    service,
    metrics,
    model,
    limits,
    bytes: new ByteBudget(limits.heldBytes),
    buckets: new TokenBuckets(limits.imagesPerSecond, limits.burst),
    assets,
    loopbackOnly,
    trustProxy,
    isStopping: () => stopping,
    onFault: (error) =>
      log.warn(`a request failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`),
  });
  http.answerBy(app.fetch);
  const close = async (): Promise<void> => {
    stopping = true;
    await http.close(async () => batcher.stop());
    ensemble.dispose();
  };
  return { url: http.url, model, peak: plan.peak, close };
}

async function loadEnsemble(options: ServeOptions, sizes: readonly number[], log: Logger): Promise<Ensemble> {
  const { backend, runs, calibrated, onCompiled } = options;
  const ensemble = await Ensemble.load(backend, runs, sizes, { calibrated, onCompiled });
  if (ensemble.temperature !== 1) log.info(`calibrated at temperature ${ensemble.temperature.toFixed(2)}`);
  const { tta } = ensemble.settings;
  if (tta !== 'none') log.warn(`the ensemble averages views (${tta}), the server takes each photo as it is`);
  return ensemble;
}

/** Every replica gets the same number of rows. @throws UsageError `BATCH_SIZES` */
function wholeBatches(sizes: readonly number[], replicas: number): number[] {
  if (sizes.length === 0 || !sizes.every((size) => Number.isInteger(size) && size > 0)) {
    throw new UsageError('BATCH_SIZES', 'no batch of that size can be compiled', {
      expected: 'batchSizes: one or more whole numbers above 0',
      received: `[${sizes.join(', ')}]`,
    });
  }
  return [...new Set(sizes.map((size) => Math.ceil(size / replicas) * replicas))].toSorted((a, b) => a - b);
}

async function warmUp(ensemble: Ensemble, plan: BatchPlan): Promise<void> {
  const black = ensemble.sizes.map(({ height, width }) => Buffer.alloc(height * width * 3));
  for (const size of plan.sizes) {
    const queries = Array.from({ length: size }, () => ({ pixels: black, explain: false }));
    // The first run of a program allocates; it also runs the explanation once.
    await ensemble.answer([{ pixels: black, explain: true }], size);
    for (let i = 0; i < WARM_UPS; i++) {
      const started = performance.now();
      await ensemble.answer(queries, size);
      plan.record(size, (performance.now() - started) / 1000);
    }
  }
}

function describeModel(
  { members, classNames }: Ensemble,
  { backend, version }: ServeOptions,
  { imageBytes, pixels, images }: Limits,
  threshold: number,
): ModelBody {
  return {
    version,
    runs: members.map(({ run, model: { name, parameters, size } }) => ({
      name: nameOfRun(run),
      architecture: name,
      parameters: parameters.total,
      size,
    })),
    classes: [...classNames],
    threshold,
    formats: [...FORMAT_NAMES],
    device: backend.describe(),
    limits: { imageBytes, pixels, images },
  };
}

/** The last part of a run's path; the rest is nobody's business. */
const nameOfRun = (run: string): string =>
  run
    .replace(/[/\\]+$/, '')
    .split(/[/\\]/)
    .at(-1) ?? run;
