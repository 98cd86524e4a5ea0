import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A TCP proxy on this machine that makes a network worse. */
export interface FaultProxy {
  readonly port: number;
  /** Connections that were cut so far. */
  readonly cuts: number;
  close(): Promise<void>;
}

export interface Faults {
  /** Milliseconds that everything takes longer, each way. */
  readonly latencyMs?: number;
  /** Which connections, counted from 1, are cut after this many bytes of answer. */
  readonly cut?: { readonly every: number; readonly afterBytes: number };
}

/** Starts a proxy to a port of this machine. */
export async function startFaultProxy(target: number, { latencyMs = 0, cut }: Faults = {}): Promise<FaultProxy> {
  let connections = 0;
  let cuts = 0;
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    const isCut = cut !== undefined && ++connections % cut.every === 0;
    let answered = 0;
    const end = () => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.setNoDelay(true);
      socket.on('error', end);
      socket.on('close', () => {
        open.delete(socket);
        later(end);
      });
    }
    const later = (action: () => void) => setTimeout(action, latencyMs);
    client.on('data', (chunk) => later(() => upstream.destroyed || upstream.write(chunk)));
    upstream.on('data', (chunk) => {
      if (isCut && answered > cut.afterBytes) return;
      answered += chunk.length;
      if (isCut && answered > cut.afterBytes) {
        cuts++;
        // The end comes in the middle of a body, without a word.
        later(() => client.write(chunk.subarray(0, chunk.length / 2), () => client.resetAndDestroy()));
        return;
      }
      later(() => client.destroyed || client.write(chunk));
    });
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    get cuts() {
      return cuts;
    },
    close: async () => {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
