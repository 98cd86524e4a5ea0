import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A disk so small that a test can fill it. */
export interface SmallDisk extends AsyncDisposable {
  readonly path: string;
}

/** Mounts a small disk in memory; undefined where that is not allowed. */
export async function mountSmallDisk(bytes: number): Promise<SmallDisk | undefined> {
  if (process.platform !== 'linux') return undefined;
  const folder = await mkdtemp(join(tmpdir(), 'sepal-disk-'));
  const path = join(folder, 'disk');
  await mkdir(path);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', path]).status === 0;
  const remove = async () => {
    if (mounted) spawnSync('umount', [path]);
    await rm(folder, { recursive: true, force: true });
  };
  if (mounted) return { path, [Symbol.asyncDispose]: remove };
  await remove();
  return undefined;
}
