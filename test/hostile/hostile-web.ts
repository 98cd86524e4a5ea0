import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import sharp from 'sharp';

const jpeg = await sharp({ create: { width: 48, height: 48, channels: 3, background: '#5060c0' } })
  .jpeg()
  .toBuffer();

/** How the web server answers at each path; anything else is status 404. */
const ANSWERS: Readonly<Record<string, RequestListener>> = {
  '/image': (_request, response) => void response.end(jpeg),
  '/half': (_request, response) => void response.end(jpeg.subarray(0, jpeg.length >> 1)),
  '/to-file': (_request, response) => void response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
  '/round': (_request, response) => void response.writeHead(302, { location: '/round' }).end(),
  '/status/500': (_request, response) => void response.writeHead(500).end('oh no'),
  '/page': (_request, response) => void response.writeHead(200, { 'content-type': 'image/jpeg' }).end('<html></html>'),
  '/svg': (_request, response) => void response.writeHead(200, { 'content-type': 'image/png' }).end('<svg/>'),
  '/says-large': (_request, response) => void response.writeHead(200, { 'content-length': 1e12 }).write('a'),
  '/endless': (_request, response) => {
    const chunk = Buffer.alloc(65_536);
    const more = () => {
      while (!response.destroyed && response.write(chunk));
    };
    response.on('drain', more);
    more();
  },
  '/zipped': (_request, response) => {
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(jpeg));
  },
  '/cut': (_request, response) => {
    response.writeHead(200, { 'content-length': 90_000 }).write(jpeg);
    setTimeout(() => response.destroy(), 20);
  },
  '/long-headers': (_request, response) => void response.writeHead(200, { 'x-long': 'a'.repeat(64_000) }).end(jpeg),
  '/garbage': (request) => void request.socket.end('this is not HTTP\r\n\r\n'),
  '/close': (request) => void request.socket.destroy(),
  '/silent': () => {},
  '/drip': (_request, response) => {
    const timer = setInterval(() => response.write('a'), 200);
    response.on('close', () => clearInterval(timer));
  },
  '/slow-round': (_request, response) => {
    setTimeout(() => response.writeHead(302, { location: '/slow-round' }).end(), 700);
  },
};

/** A web server that misbehaves. */
export interface HostileWeb {
  readonly url: string;
  readonly port: number;
  /** Requests that it got. */
  readonly requests: readonly string[];
  close(): Promise<void>;
}

export async function startHostileWeb(host: string, port = 0): Promise<HostileWeb> {
  const requests: string[] = [];
  const server: Server = createServer((request, response) => {
    const { url = '' } = request;
    requests.push(url);
    const redirect = /^\/to\/(.+)$/.exec(url);
    if (redirect !== null) response.writeHead(302, { location: `http://${redirect[1]}/` }).end();
    else if (url in ANSWERS) ANSWERS[url](request, response);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const { port: taken } = server.address() as AddressInfo;
  return {
    url: `http://${host}:${taken}`,
    port: taken,
    requests,
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}
