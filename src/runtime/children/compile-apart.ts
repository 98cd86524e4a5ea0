import { environmentOfManyHeaps, isOneHeap, type CompileOptions } from '../../pjrt/index.ts';
import { askChild } from './ask-child.ts';
import type { Backend } from '../backend.ts';
import type { CompileCache } from '../cache/compile-cache.ts';
import type { CachedForm } from '../cache/cached-form.ts';

/** A program for a compiler in a process of its own, and where it is to be kept. */
export interface ApartRequest {
  readonly plugin: string;
  /** Devices of the CPU client. */
  readonly devices: number;
  readonly text: string;
  readonly options: CompileOptions;
  /** The compile cache. */
  readonly folder: string;
  readonly key: string;
  readonly form: CachedForm;
}

/** Whether the program is in the cache now. */
export interface ApartResult {
  readonly kept: boolean;
}

/** Characters of a program that takes less time to compile than a process needs to start and this one to load what it made. */
const LEAST_TEXT = 150_000;

/**
 * Whether a program is better compiled in another process. Where all threads share one heap, so that runs find the memory of those
 * before them (`pjrt/heap.ts`), the compiler's threads wait for each other whenever they need a few bytes: 1.6 times as long.
 */
export function isBetterApart(backend: Backend, text: string): boolean {
  return backend.platform === 'cpu' && backend.host.count === 1 && text.length >= LEAST_TEXT && isOneHeap();
}

/**
 * Compiles a program in a child process, which puts it into the cache.
 *
 * @returns whether it is there; where the child fails, whatever the reason, the caller compiles by itself and gets the error.
 * @throws the signal's reason after an abort; a compiler in a process of its own can be stopped.
 */
export async function compileApart(
  backend: Backend,
  cache: CompileCache,
  { text, options, key, form }: Pick<ApartRequest, 'text' | 'options' | 'key' | 'form'>,
): Promise<boolean> {
  const request: ApartRequest = {
    plugin: backend.plugin.path,
    devices: backend.client.addressableDevices.length,
    text,
    options,
    folder: cache.folder,
    key,
    form,
  };
  const { signal } = backend;
  const { result } = await askChild<ApartResult>('compile-apart-child', request, {
    env: environmentOfManyHeaps(),
    signal,
  });
  return result?.kept ?? false;
}
