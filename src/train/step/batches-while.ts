import type { DeviceBatch } from './device-batches.ts';

/** What is known before a batch is trained on: whether it could be read, and whether it is there. */
export interface NextBatch {
  readonly failed: boolean;
  readonly isLast: boolean;
}

/**
 * Batches until they end, or until `goesOn` says that no more are wanted. It is asked before each batch and after the last
 * one, also where a batch can't be read: on several hosts the others have to hear of that before they wait for this one.
 */
export async function* batchesWhile(
  batches: AsyncGenerator<DeviceBatch, void, void>,
  goesOn: (next: NextBatch) => Promise<boolean>,
): AsyncGenerator<DeviceBatch, void, void> {
  try {
    for (;;) {
      const [read] = await Promise.allSettled([batches.next()]);
      const batch = read.status === 'fulfilled' && read.value.done !== true ? read.value.value : undefined;
      let isWanted = false;
      try {
        isWanted = await goesOn({
          failed: read.status === 'rejected',
          isLast: read.status === 'fulfilled' && batch === undefined,
        });
      } finally {
        if (!isWanted) batch?.dispose();
      }
      if (read.status === 'rejected') throw read.reason;
      if (batch === undefined || !isWanted) return;
      yield batch;
    }
  } finally {
    await batches.return();
  }
}
