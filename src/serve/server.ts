import { createServer, STATUS_CODES, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { isSystemError, SepalError, silent, UsageError, type Logger } from '../base/index.ts';
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
import { ImageService } from './image-service.ts';
import { DEFAULT_LIMITS, type Limits } from './limits.ts';
import { Metrics } from './metrics.ts';
import { loadPageAssets } from './page-assets.ts';
import { allowSafeFormatsOnly } from './picture.ts';
import { SECURITY_HEADERS } from './security-headers.ts';
import { PROBLEMS, type ProblemCode } from './serve-error.ts';
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
  /** Finishes what was taken and takes no more. */
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

/** Loads models and serves them: the page, and the API it uses. */
export async function startServer(options: ServeOptions): Promise<RunningServer> {
  const { backend, host = '127.0.0.1', port = DEFAULT_PORT, threshold = DEFAULT_THRESHOLD, log = silent } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const policy = new AddressPolicy(options.allowedRanges);
  const sizes = wholeBatches(options.batchSizes ?? DEFAULT_BATCH_SIZES, backend.replicas);
  const assets = await loadPageAssets();
  allowSafeFormatsOnly();

  const { calibrated, onCompiled } = options;
  const ensemble = await Ensemble.load(backend, options.runs, sizes, { calibrated, onCompiled });
  if (ensemble.temperature !== 1) log.info(`calibrated at temperature ${ensemble.temperature.toFixed(2)}`);
  const { tta } = ensemble.settings;
  if (tta !== 'none') log.warn(`the ensemble averages views (${tta}), the server takes each photo as it is`);
  const plan = new BatchPlan(sizes, options.latencyBudget ?? DEFAULT_LATENCY_BUDGET);
  await warmUp(ensemble, plan);

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
    loopbackOnly: isLoopback(host),
    trustProxy: options.trustProxy ?? false,
    isStopping: () => stopping,
    onFault: (error) =>
      log.warn(`a request failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`),
  });
  const listener = getRequestListener(app.fetch, {
    overrideGlobalObjects: false,
    // A path or host that no URL can be made of.
    errorHandler: () => {
      const [status, message] = PROBLEMS.BAD_REQUEST;
      return Response.json({ error: { code: 'BAD_REQUEST', message } }, { status, headers: SECURITY_HEADERS });
    },
  });
  const server = createServer(
    {
      headersTimeout: limits.headerSeconds * 1000,
      requestTimeout: limits.bodySeconds * 1000,
      connectionsCheckingInterval: 500,
      keepAliveTimeout: 5000,
      maxHeaderSize: 16 * 1024,
    },
    (request, response) => void listener(request, response),
  );
  server.maxConnections = limits.connections;
  server.on('clientError', answerBrokenRequest);
  await listen(server, host, port);
  const close = async (): Promise<void> => {
    stopping = true;
    const closed = new Promise<void>((done) => {
      server.close(() => done());
    });
    server.closeIdleConnections();
    await batcher.stop();
    await closed;
    ensemble.dispose();
  };
  return { url: urlOf(server), model, peak: plan.peak, close };
}

/** Every replica gets the same number of rows. */
function wholeBatches(sizes: readonly number[], replicas: number): number[] {
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

/** What Node's parser gives up on before there is a request, by its error's code. */
const BROKEN_REQUESTS: Readonly<Record<string, ProblemCode>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 'TOO_SLOW',
  HPE_HEADER_OVERFLOW: 'HEADERS_TOO_LARGE',
};

function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const code = BROKEN_REQUESTS[error.code ?? ''] ?? 'BAD_REQUEST';
  const [status, meaning] = PROBLEMS[code];
  const body = JSON.stringify({ error: { code, message: meaning } });
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      'content-type: application/json',
      `content-length: ${Buffer.byteLength(body)}`,
      'connection: close',
      '',
      body,
    ].join('\r\n'),
  );
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, () => {
        server.off('error', reject);
        resolve();
      });
    });
  } catch (cause) {
    if (isSystemError(cause, 'EADDRINUSE')) {
      throw new UsageError('PORT_IN_USE', `port ${port} is taken by another program`, {
        hint: 'choose another one with --port, or 0 for any',
        cause,
      });
    }
    throw new SepalError('LISTEN', `can't listen on ${host}, port ${port}`, {
      hint: '--host takes an address of this machine, or 0.0.0.0 for all of them',
      cause,
    });
  }
}

function urlOf(server: Server): string {
  const { address, port, family } = server.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
