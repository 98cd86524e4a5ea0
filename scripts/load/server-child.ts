// The server that `npm run load` measures, in a process of its own. Arguments: run folder. It tells its parent its URL, and
// what it holds whenever it is asked.
import { openBackend } from '../../src/runtime/index.ts';
import { startServer } from '../../src/serve/index.ts';
import { takeFigures } from '../../test/soak/sample.ts';

const [run] = process.argv.slice(2);
const backend = await openBackend({ device: 'cpu' });
const server = await startServer({ backend, runs: [run], version: 'load', port: 0, limits: { imagesPerSecond: 0 } });
process.on('message', (message) => {
  if (message === 'figures') {
    process.send?.(takeFigures(backend));
    return;
  }
  void stop();
});

async function stop(): Promise<void> {
  await server.close();
  await backend.close();
  process.disconnect();
}

process.send?.({ url: server.url, peak: server.peak });
