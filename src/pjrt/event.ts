import type { Api } from './api.ts';
import type { Pointer } from './ffi.ts';

/**
 * Waits until an event is ready, off this thread, and frees it. `alive` is held until then.
 *
 * @throws PjrtError what the awaited work ended with, if it failed.
 */
export async function awaitEvent(api: Api, event: Pointer, alive: readonly unknown[] = []): Promise<void> {
  if (event === 0n) return;
  try {
    // Short work is often over by now, and asking is 50 times cheaper than a worker thread.
    if (api.call('Event_IsReady', { event }).is_ready) api.call('Event_Error', { event });
    else await api.callAsync('Event_Await', { event }, alive);
  } finally {
    api.call('Event_Destroy', { event });
  }
}
