import type { Compressors } from 'hyparquet';
import { compressors, decompressZstd } from 'hyparquet-compressors';
import { formatBytes } from '../base/index.ts';

/** The library's own for Zstandard takes as much as the stream has, whatever its page says. */
const BY_CODEC: Compressors = {
  ...compressors,
  ZSTD: (bytes, length) => decompressZstd(bytes, new Uint8Array(length)),
};

/**
 * What unpacks the pages of a Parquet file: together to `limit` bytes at most, as Brotli and Zstandard get gigabytes out of a
 * small file.
 */
export function compressorsWithin(limit: number): Compressors {
  let room = limit;
  const within =
    (unpack: NonNullable<Compressors['GZIP']>): typeof unpack =>
    (bytes, length) => {
      room -= length;
      if (!(length >= 0 && room >= 0)) throw new Error(`its pages unpack to more than ${formatBytes(limit)}`);
      return unpack(bytes, length);
    };
  return Object.fromEntries(Object.entries(BY_CODEC).map(([codec, unpack]) => [codec, within(unpack)]));
}
