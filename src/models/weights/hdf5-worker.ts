import { parentPort, workerData } from 'node:worker_threads';
import * as library from 'h5wasm/node';
import { memoryOf, readHdf5 } from './hdf5-content.ts';

/** The program of the thread that `readKerasFile` starts: reads one file whole, sends what it holds, and ends. */

const content = await readHdf5(workerData as string, library);
parentPort?.postMessage(content, memoryOf(content));
