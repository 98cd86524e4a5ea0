import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { AssetError } from './asset-error.ts';

/**
 * What pins a file to its bytes. MD5 only where the publisher gives nothing better: it finds damage, but no forgery by
 * the publisher. Nor do the first digits of the SHA-256, which PyTorch's projects put into the names of their files and
 * check by themselves.
 */
export type Checksum = { readonly sha256: string } | { readonly md5: string } | { readonly sha256Start: string };

/** The SHA-256 of a file, in lower-case hexadecimal. */
export const sha256File = (path: string, signal?: AbortSignal): Promise<string> => hashFile(path, 'sha256', signal);

async function hashFile(path: string, algorithm: 'sha256' | 'md5', signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash(algorithm);
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash, { signal });
  return hash.digest('hex');
}

/** A checksum's hash function and the digits that a file's must begin with. */
function partsOf(checksum: Checksum): readonly ['sha256' | 'md5', string] {
  if ('md5' in checksum) return ['md5', checksum.md5];
  return ['sha256', 'sha256' in checksum ? checksum.sha256 : checksum.sha256Start];
}

/** The digits that tell the files of different checksums apart. */
export const digitsOf = (checksum: Checksum): string => partsOf(checksum)[1];

/** @throws AssetError `CHECKSUM_MISMATCH` with both sums, unless the file has this checksum. */
export async function checkFile(path: string, checksum: Checksum, what: string, signal?: AbortSignal): Promise<void> {
  const [algorithm, expected] = partsOf(checksum);
  const received = await hashFile(path, algorithm, signal);
  if (received.startsWith(expected)) return;
  throw new AssetError('CHECKSUM_MISMATCH', `${what} is not the file that Sepal knows; refused`, {
    expected: `${algorithm} ${expected}${'sha256Start' in checksum ? '…' : ''}`,
    received: `${algorithm} ${received}`,
    hint: 'the download was cut short or altered: try again, or from another network or mirror',
  });
}
