import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** The package as `npm publish` would send it. */
export interface Tarball {
  readonly path: string;
  readonly files: number;
  /** Bytes. */
  readonly packed: number;
  /** Bytes. */
  readonly unpacked: number;
}

interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly unpackedSize: number;
  readonly entryCount: number;
}

/** Packs what was built into `folder`. */
export function packInto(folder: string, root: string): Tarball {
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
  const output = execFileSync('npm', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  const [{ filename, size, unpackedSize, entryCount }] = JSON.parse(output) as Packed[];
  return { path: join(folder, filename), files: entryCount, packed: size, unpacked: unpackedSize };
}
