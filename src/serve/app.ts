import type { IncomingMessage } from 'node:http';
import type { HttpBindings } from '@hono/node-server';
import { Hono, type Context } from 'hono';
import type { ModelBody } from './answer-schema.ts';
import type { ByteBudget } from './byte-budget.ts';
import { isLoopbackHost } from './host-check.ts';
import { answerBody, problemBody, type ImageService } from './image-service.ts';
import type { Limits } from './limits.ts';
import type { Metrics } from './metrics.ts';
import { openApiDocument } from './openapi.ts';
import { isOwnPage } from './own-page.ts';
import type { PageAssets } from './page-assets.ts';
import { parseQuestion } from './question.ts';
import { readUploads } from './read-uploads.ts';
import { SECURITY_HEADERS } from './security-headers.ts';
import { ServeError } from './serve-error.ts';
import { clientKey, type TokenBuckets } from './token-buckets.ts';

export interface AppOptions {
  readonly service: ImageService;
  readonly metrics: Metrics;
  readonly model: ModelBody;
  readonly limits: Limits;
  readonly bytes: ByteBudget;
  readonly buckets: TokenBuckets;
  readonly assets: PageAssets;
  /** Whether requests under any other host name than this machine's own are refused. */
  readonly loopbackOnly: boolean;
  /** Whether the last address of `X-Forwarded-For` is the client's. */
  readonly trustProxy: boolean;
  readonly isStopping: () => boolean;
  readonly onFault: (error: unknown) => void;
}

type Env = { readonly Bindings: HttpBindings };

/** The server's routes. */
export function createApp(options: AppOptions): Hono<Env> {
  const { metrics, model, assets, isStopping } = options;
  const app = new Hono<Env>();
  const openApi = openApiDocument(model);

  app.use(async (c, next) => {
    const started = performance.now();
    await next();
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) c.res.headers.set(name, value);
    if (!c.res.headers.has('cache-control')) c.res.headers.set('cache-control', 'no-store');
    const path = PATHS.has(c.req.path) ? c.req.path : 'other';
    metrics.requests.inc({ path, status: c.req.raw.signal.aborted ? CLIENT_GONE : c.res.status });
    metrics.requestSeconds.observe({ path }, (performance.now() - started) / 1000);
  });
  app.use(async (c, next) => {
    if (options.loopbackOnly && !isLoopbackHost(c.env.incoming.headers.host)) {
      throw new ServeError('WRONG_HOST', 'this server answers on this machine only', {
        expected: 'the host localhost or 127.0.0.1',
      });
    }
    await next();
  });

  app.post('/api/predict', async (c) => predict(c, options));
  app.get('/api/model', (c) => c.json(model));
  app.get('/openapi.json', (c) => c.json(openApi));
  app.get('/healthz', (c) => {
    const stopping = isStopping();
    return c.json({ status: stopping ? 'stopping' : 'ok' }, stopping ? 503 : 200);
  });
  app.get('/metrics', async (c) => c.body(await metrics.text(), 200, { 'content-type': metrics.registry.contentType }));
  for (const [path, { body, type, tag }] of assets) {
    app.get(path, (c) => {
      const headers = { 'content-type': type, etag: tag, 'cache-control': 'no-cache' };
      return c.req.header('if-none-match') === tag ? c.body(null, 304, headers) : c.body(body, 200, headers);
    });
  }

  app.all('*', (c) => {
    const allow = METHODS.get(c.req.path) ?? (assets.has(c.req.path) ? 'GET, HEAD' : undefined);
    if (allow === undefined) throw new ServeError('NOT_FOUND', 'there is nothing here', { hint: 'see /openapi.json' });
    c.header('allow', allow);
    throw new ServeError('METHOD_NOT_ALLOWED', `${c.req.method} is not taken here`, { expected: allow });
  });
  app.onError((error, c) => {
    if (error instanceof ServeError) return problem(c, error);
    if (!c.req.raw.signal.aborted) options.onFault(error);
    return problem(c, new ServeError('INTERNAL', 'something went wrong in the server', { cause: error }));
  });
  return app;
}

const METHODS = new Map([
  ['/api/predict', 'POST'],
  ['/api/model', 'GET, HEAD'],
  ['/openapi.json', 'GET, HEAD'],
  ['/healthz', 'GET, HEAD'],
  ['/metrics', 'GET, HEAD'],
]);
/** Counted where there is nobody to answer, as nginx has it. */
const CLIENT_GONE = 499;
/** Paths that metrics tell apart; a stranger must not be able to make up more. */
const PATHS = new Set(['/', ...METHODS.keys()]);

async function predict(c: Context<Env>, options: AppOptions): Promise<Response> {
  const { service, limits, bytes, buckets, isStopping } = options;
  const { incoming } = c.env;
  const { signal } = c.req.raw;
  // Pages of other sites may send requests though they can't read the answers.
  if (!isOwnPage(incoming.headers, options.trustProxy)) {
    throw new ServeError('CROSS_SITE', 'requests from pages of other sites are not taken');
  }
  if (isStopping()) throw new ServeError('STOPPING', 'the server is about to stop', { retryAfter: 5 });
  const question = parseQuestion(c.req.query());
  const client = clientKey(clientAddress(incoming, options.trustProxy));
  requireTokens(buckets, client, 1);
  // Refused before its body is read, which is most of what refusing costs.
  service.requireRoom(1);

  using account = bytes.open();
  const uploads = await readUploads(incoming, limits, account);
  if (uploads.length > 1) requireTokens(buckets, client, uploads.length - 1);
  const answers = await service.answer(uploads, question, { client, account, signal });
  const refusals = answers.filter((answer) => answer instanceof ServeError);
  if (refusals.length === answers.length) throw refusals[0];
  return c.json(answerBody(uploads, answers));
}

function clientAddress({ headers, socket }: IncomingMessage, trustProxy: boolean): string | undefined {
  const forwarded = headers['x-forwarded-for'];
  if (!trustProxy || forwarded === undefined) return socket.remoteAddress;
  return String(forwarded).split(',').at(-1)?.trim();
}

function requireTokens(buckets: TokenBuckets, client: string, images: number): void {
  const seconds = buckets.take(client, images);
  if (seconds === 0) return;
  throw new ServeError('RATE_LIMITED', 'too many images in a short time', { retryAfter: Math.ceil(seconds) });
}

function problem(c: Context<Env>, error: ServeError): Response {
  if (error.retryAfter !== undefined) c.header('retry-after', String(error.retryAfter));
  // What is left of the body is not worth reading.
  if (error.status === 413 || error.status === 415) c.header('connection', 'close');
  return c.json({ error: problemBody(error) }, error.status as 400);
}
