import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { ReadHdf5 } from '../../../src/models/weights/hdf5.ts';
import type { FileRead } from './worker.ts';

/** Milliseconds for a file, as in `readKerasFile`. */
const LIMIT = 10_000;

/**
 * Reads HDF5 files as `readKerasFile` does, but in a thread that is kept: starting one and compiling the library in it
 * takes thirty times as long as reading a small file.
 */
export function keptThread(): ReadHdf5 {
  let worker: Worker | undefined;
  const end = async () => {
    await worker?.terminate();
    worker = undefined;
  };
  return async (path) => {
    if (worker === undefined) {
      worker = new Worker(join(import.meta.dirname, 'worker.ts'), { stdout: true, stderr: true });
      // Its library is compiled then, which takes longer than any file.
      await once(worker, 'message');
    }
    const answer = once(worker, 'message', { signal: AbortSignal.timeout(LIMIT) });
    worker.postMessage(path, []);
    try {
      const [{ content, isWorn }] = (await answer) as [FileRead];
      if (isWorn) await end();
      return content;
    } catch (error) {
      await end();
      return { refused: { kind: 'corrupt', what: error instanceof Error ? error.message : String(error) } };
    }
  };
}
