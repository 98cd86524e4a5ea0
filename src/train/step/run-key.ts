import type { Backend, DeviceArray } from '../../runtime/index.ts';
import { stepInputTypes } from './step.ts';

/** The random key of a run on every replica: its seed in two words. */
export async function replicateKey(backend: Backend, seed: number): Promise<DeviceArray> {
  return backend.replicate(Uint32Array.of(Math.floor(seed / 2 ** 32), seed), stepInputTypes.key);
}
