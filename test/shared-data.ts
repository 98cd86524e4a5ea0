import { existsSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..', 'shared');

/** Path of a file or folder in the shared test data beside the project, which not every machine has. */
export function sharedData(...parts: readonly string[]): string {
  return join(ROOT, ...parts);
}

/** The `skip` option of tests that read the shared data. */
export const skipWithoutSharedData: string | false = existsSync(ROOT) ? false : 'needs ../shared beside the project';
