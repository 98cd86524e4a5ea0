import type { Held } from './held.ts';

/** All of what is being made; where one of them fails, the others are given back by `release`. */
export async function allOrNone<T extends readonly Promise<unknown>[]>(
  making: T,
  release: (made: Awaited<T[number]>) => void,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  try {
    return await Promise.all(making);
  } catch (error) {
    for (const settled of await Promise.allSettled(making)) {
      if (settled.status === 'fulfilled') release(settled.value as Awaited<T[number]>);
    }
    throw error;
  }
}

/** Disposes of what there is. */
export const dispose = (held: Held | undefined): void => held?.dispose();
