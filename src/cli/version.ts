import { createRequire } from 'node:module';

/** The version in package.json, which stands two folders above both src/cli and dist/cli. */
export function sepalVersion(): string {
  const manifest: unknown = createRequire(import.meta.url)('../../package.json');
  return (manifest as { version: string }).version;
}
