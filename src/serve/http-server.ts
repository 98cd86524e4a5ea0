import { createServer, STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { isSystemError, SepalError, UsageError } from '../base/index.ts';
import { Connections } from './connections.ts';
import type { Limits } from './limits.ts';
import { SECURITY_HEADERS } from './security-headers.ts';
import { PROBLEMS, type ProblemCode } from './serve-error.ts';

/** A handler of the Fetch API, as an app of Hono has one. */
export type FetchHandler = Parameters<typeof getRequestListener>[0];

/** Answers one request. */
type Listener = (request: IncomingMessage, response: ServerResponse) => unknown;

/** A port that is listened on. Until it is told who answers, it says that the server is starting. */
export class HttpServer {
  readonly #server: Server;
  readonly #limits: Limits;
  readonly #connections: Connections;
  #listener: Listener = (_, response) => {
    const [status, head, body] = plainProblem('STARTING');
    response.writeHead(status, { ...SECURITY_HEADERS, ...head, 'retry-after': '5' }).end(body);
  };

  private constructor(limits: Limits) {
    this.#limits = limits;
    this.#connections = new Connections(limits);
    this.#server = createServer(
      {
        headersTimeout: limits.headerSeconds * 1000,
        requestTimeout: limits.bodySeconds * 1000,
        connectionsCheckingInterval: 500,
        keepAliveTimeout: 5000,
        maxHeaderSize: 16 * 1024,
      },
      (request, response) => {
        if (this.#connections.take(request, response)) void this.#listener(request, response);
      },
    );
    this.#server.maxConnections = limits.connections;
    this.#server.timeout = limits.answerSeconds * 1000;
    this.#server.on('connection', (socket) => this.#connections.add(socket));
    this.#server.on('timeout', (socket) => this.#connections.closeUnlessAsked(socket));
    this.#server.on('clientError', (error, socket) => this.#refuseBroken(error, socket as Socket));
  }

  /**
   * Takes a port; 0 is any free one.
   *
   * @throws UsageError `PORT_IN_USE`; SepalError `LISTEN` for an address that this machine hasn't.
   */
  static async listen(host: string, port: number, limits: Limits): Promise<HttpServer> {
    const http = new HttpServer(limits);
    await listen(http.#server, host, port);
    return http;
  }

  get url(): string {
    const { address, port, family } = this.#server.address() as AddressInfo;
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
  }

  /** Has all requests from now on answered by a handler of the Fetch API. */
  answerBy(handler: FetchHandler): void {
    this.#listener = getRequestListener(handler, {
      overrideGlobalObjects: false,
      // A path or host that no URL can be made of.
      errorHandler: () => {
        const [status, head, body] = plainProblem('BAD_REQUEST');
        return new Response(body, { status, headers: { ...SECURITY_HEADERS, ...head } });
      },
    });
  }

  /**
   * Takes no more connections and closes those that are there: each when its request is answered, if that is soon. Those
   * whose request hasn't arrived or whose client hasn't read its answer some seconds later are cut off.
   *
   * @param finish called when no more requests are waited for; it resolves when those that have arrived have an answer.
   */
  async close(finish: () => Promise<void>): Promise<void> {
    const closed = new Promise<void>((done) => {
      this.#server.close(() => done());
    });
    this.#connections.closeWhenAnswered();
    await this.#within(closed);
    this.#connections.closeUnlessWorkedOn();
    await finish();
    await this.#within(closed);
    this.#connections.closeAll();
    await closed;
  }

  /** Waits no longer than a server that stops may. */
  async #within(promise: Promise<void>): Promise<void> {
    const { promise: over, resolve } = Promise.withResolvers<void>();
    const patience = setTimeout(resolve, this.#limits.stopSeconds * 1000);
    await Promise.race([promise, over]);
    clearTimeout(patience);
  }

  #refuseBroken(error: NodeJS.ErrnoException, socket: Socket): void {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const [status, head, body] = plainProblem(BROKEN_REQUESTS[error.code ?? ''] ?? 'BAD_REQUEST');
    const lines = Object.entries({ ...head, connection: 'close' }).map(([name, value]) => `${name}: ${value}`);
    this.#connections.refuse(socket, [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...lines, '', body].join('\r\n'));
  }
}

/** An answer that refuses, for where there is no request to answer or nobody yet who could. */
function plainProblem(code: ProblemCode): [status: number, head: Record<string, string>, body: string] {
  const [status, message] = PROBLEMS[code];
  const body = JSON.stringify({ error: { code, message } });
  return [status, { 'content-type': 'application/json', 'content-length': `${Buffer.byteLength(body)}` }, body];
}

/** What Node's parser gives up on before there is a request, by its error's code. */
const BROKEN_REQUESTS: Readonly<Record<string, ProblemCode>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 'TOO_SLOW',
  HPE_HEADER_OVERFLOW: 'HEADERS_TOO_LARGE',
};

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
