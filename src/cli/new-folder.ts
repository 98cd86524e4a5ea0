import { join } from 'node:path';

/** A folder that is not there yet, for what has no `--out`: `runs/NAME-2026-03-14-09-26-53`. */
export const newFolder = (name: string): string =>
  join('runs', `${name}-${new Date().toISOString().slice(0, 19).replaceAll(/[T:]/g, '-')}`);
