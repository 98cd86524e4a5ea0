import { createServer, request, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An HTTP proxy on this machine to a service that takes credentials away. */
export interface RefusingProxy {
  readonly port: number;
  close(): Promise<void>;
}

/** Starts a proxy to a port of this machine that answers 403 where it is told to. */
export async function startRefusingProxy(
  target: number,
  refuses: (request: IncomingMessage) => boolean,
): Promise<RefusingProxy> {
  const server = createServer((asked, answer) => {
    if (refuses(asked)) {
      answer.writeHead(403, { 'content-type': 'text/plain' }).end('no access');
      return;
    }
    const { method, url, headers } = asked;
    const onward = request({ port: target, host: '127.0.0.1', method, path: url, headers }, (came) => {
      answer.writeHead(came.statusCode!, came.headers);
      came.pipe(answer);
    });
    asked.pipe(onward);
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
