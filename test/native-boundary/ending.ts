import { parentPort, Worker, workerData } from 'node:worker_threads';
import { findPlugin } from '../../src/assets/index.ts';
import { loadPlugin } from '../../src/pjrt/index.ts';
import { longProgram } from '../stablehlo.ts';

/** Ends this process, or a worker thread of it, in the way that it is told while a plugin compiles. */

const how = process.argv[2] ?? (workerData as string);

async function startCompiling(): Promise<void> {
  const plugin = await loadPlugin((await findPlugin('cpu')).path);
  const client = await plugin.createClient({ cpu_device_count: 2 });
  void client.compile(longProgram(24), { replicas: 1 });
  // The compiler has begun by then, and is far from its end.
  await new Promise((resolve) => setTimeout(resolve, 50));
}

const ENDINGS: Readonly<Record<string, () => void>> = {
  exit: () => process.exit(3),
  throw: () => {
    throw new Error('on purpose');
  },
  abandon: () => process.exit(0),
};

if (process.argv[2]?.startsWith('worker-')) {
  const worker = new Worker(import.meta.filename, { workerData: how.slice('worker-'.length), argv: [] });
  const ended = new Promise<number>((resolve) => worker.once('exit', resolve));
  worker.once('error', () => {});
  if (how === 'worker-terminate') {
    await new Promise((resolve) => worker.once('message', resolve));
    await worker.terminate();
  }
  console.log(`worker ended with ${await ended}`);
  // The plugin still serves this thread.
  const client = await (await loadPlugin((await findPlugin('cpu')).path)).createClient({ cpu_device_count: 1 });
  await client.destroy();
  process.exit(0);
}
await startCompiling();
parentPort?.postMessage('compiling', []);
ENDINGS[how]?.();
