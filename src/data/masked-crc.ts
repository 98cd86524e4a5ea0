import { crc32c } from '@node-rs/crc32';

/**
 * CRC-32C as TFRecord files store it: rotated and offset, so that a checksum of data holding checksums stays useful.
 *
 * Source: tensorflow/core/lib/hash/crc32c.h, `Mask`.
 */
export function maskedCrc(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa2_82_ea_d8) >>> 0;
}
