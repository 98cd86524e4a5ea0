import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { AssetError } from './asset-error.ts';

/** The SHA-256 of a file, in lower-case hexadecimal. */
export async function sha256File(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash, { signal });
  return hash.digest('hex');
}

/** @throws AssetError `CHECKSUM_MISMATCH` with both sums, unless the file has this SHA-256. */
export async function checkSha256(path: string, expected: string, what: string, signal?: AbortSignal): Promise<void> {
  const received = await sha256File(path, signal);
  if (received === expected) return;
  throw new AssetError('CHECKSUM_MISMATCH', `${what} is not the file that Sepal knows; refused`, {
    expected: `sha256 ${expected}`,
    received: `sha256 ${received}`,
    hint: 'the download was cut short or altered: try again, or from another network or mirror',
  });
}
