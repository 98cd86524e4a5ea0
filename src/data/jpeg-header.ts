/** What the header of a JPEG file says about its pixels. */
export interface JpegHeader {
  readonly width: number;
  readonly height: number;
  /** 1 for greyscale, 3 for colour, 4 for CMYK. */
  readonly components: number;
  /** Bits a component. */
  readonly precision: number;
  /** EXIF orientation, 1 (upright) to 8; 1 where the file doesn't say. */
  readonly orientation: number;
  /** Whether the file brings a colour profile (ICC). */
  readonly hasProfile: boolean;
}

/**
 * Reads the header of a JPEG file, up to its first scan; undefined where the bytes are no JPEG file.
 *
 * Whatever libjpeg might read otherwise, such as a marker without a length, is no header here: a file that says one size
 * to us and another one to the decoder would make it write beyond the memory it was given.
 */
export function readJpegHeader(bytes: Uint8Array): JpegHeader | undefined {
  if (bytes.length < 4 || bytes[0] !== 0xff || bytes[1] !== 0xd8) return undefined;
  let orientation = 1;
  let hasProfile = false;
  let at = 2;
  while (at + 9 < bytes.length) {
    if (bytes[at] !== 0xff) return undefined;
    const marker = bytes[at + 1];
    if (marker === 0xff) {
      at++; // A fill byte.
      continue;
    }
    const length = bytes[at + 2] * 256 + bytes[at + 3];
    if (isFrame(marker)) {
      return {
        precision: bytes[at + 4],
        height: bytes[at + 5] * 256 + bytes[at + 6],
        width: bytes[at + 7] * 256 + bytes[at + 8],
        components: bytes[at + 9],
        orientation,
        hasProfile,
      };
    }
    if (!hasLength(marker)) return undefined;
    const segment = bytes.subarray(at + 4, at + 2 + length);
    if (marker === 0xe1) orientation = exifOrientation(segment) ?? orientation;
    if (marker === 0xe2) hasProfile ||= isProfile(segment);
    at += 2 + length;
  }
  return undefined;
}

/** DHT, DAC, DQT, DRI, APP0 to APP15, COM: what may stand before a frame, each with its length. */
function hasLength(marker: number): boolean {
  const tables = marker === 0xc4 || marker === 0xcc || marker === 0xdb || marker === 0xdd;
  return tables || (marker >= 0xe0 && marker <= 0xef) || marker === 0xfe;
}

/** SOF0 to SOF15, without the three other markers in that range (DHT, JPG, DAC). */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

/** Source: ICC.1:2010, annex B.4. */
function isProfile(segment: Uint8Array): boolean {
  return Buffer.from(segment.subarray(0, 12)).toString('latin1') === 'ICC_PROFILE\0';
}

/** Tag 0x0112 of the first directory of an `Exif` segment. Source: Exif 2.3, section 4.6.4. */
function exifOrientation(segment: Uint8Array): number | undefined {
  if (segment.length < 14 || Buffer.from(segment.subarray(0, 6)).toString('latin1') !== 'Exif\0\0') return undefined;
  const tiff = new DataView(segment.buffer, segment.byteOffset + 6, segment.byteLength - 6);
  const little = tiff.getUint16(0) === 0x4949;
  const directory = tiff.getUint32(4, little);
  if (directory + 2 > tiff.byteLength) return undefined;
  const entries = tiff.getUint16(directory, little);
  for (let i = 0; i < entries; i++) {
    const entry = directory + 2 + i * 12;
    if (entry + 10 > tiff.byteLength) return undefined;
    if (tiff.getUint16(entry, little) !== 0x0112) continue;
    const value = tiff.getUint16(entry + 8, little);
    return value >= 1 && value <= 8 ? value : undefined;
  }
  return undefined;
}
