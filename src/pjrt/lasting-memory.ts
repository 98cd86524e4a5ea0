import { markAsUntransferable } from 'node:worker_threads';

/** Bytes that are copied sooner than anything else is done about them. */
const SMALL = 64 * 2 ** 10;

const held = new WeakSet<ArrayBuffer>();

/**
 * Memory that can't be taken away while a plugin reads it. That of a resizable array goes when it shrinks, so it is copied.
 * That of any other goes when the array is transferred, so from now on that is refused.
 */
export function lastingMemory(data: ArrayBufferView): ArrayBufferView {
  const { buffer, byteOffset, byteLength } = data;
  if (!(buffer instanceof ArrayBuffer)) return data;
  if (buffer.resizable || byteLength <= SMALL) return new Uint8Array(buffer, byteOffset, byteLength).slice();
  hold(buffer);
  return data;
}

function hold(buffer: ArrayBuffer): void {
  if (held.has(buffer)) return;
  held.add(buffer);
  if (canBeTransferred(buffer)) markAsUntransferable(buffer);
}

/**
 * Memory of WebAssembly can't be transferred, and Node ends the process when it is to be marked. A list that has an array
 * twice is refused before anything is transferred, and for another reason.
 */
function canBeTransferred(buffer: ArrayBuffer): boolean {
  try {
    structuredClone(undefined, { transfer: [buffer, buffer] });
    return false;
  } catch (error) {
    return error instanceof Error && error.message.includes('duplicate');
  }
}
