import { ServeError } from './serve-error.ts';

/** Formats that are taken, by their first bytes; `.` is any byte. TIFF, SVG, PDF and the like have no place here. */
const FORMATS = [
  ['JPEG', /^\xff\xd8\xff/],
  ['PNG', /^\x89PNG\r\n/],
  ['GIF', /^GIF8[79]a/],
  ['WebP', /^RIFF.{4}WEBP/s],
  ['AVIF', /^.{4}ftypavi[fs]/s],
] as const;

export const FORMAT_NAMES = FORMATS.map(([name]) => name);
export type FormatName = (typeof FORMATS)[number][0];

/** Bytes at the start that the formats are known by. */
const HEAD = 16;
/** A JPEG of more scans is made to keep the decoder busy; cameras write up to ten. */
const MAX_SCANS = 100;

/**
 * The format of an image, by its content; what the sender calls it doesn't count.
 *
 * Refuses a file that is valid as something else too. We store and serve no uploads, but whoever made such a file means
 * no good with it.
 *
 * @throws ServeError `UNSUPPORTED_IMAGE`, `TWO_FORMATS` or `TOO_MUCH_WORK`.
 */
export function sniff(bytes: Buffer): FormatName {
  const head = bytes.toString('latin1', 0, HEAD);
  const format = FORMATS.find(([, signature]) => signature.test(head))?.[0];
  if (format === undefined) {
    throw new ServeError('UNSUPPORTED_IMAGE', 'this is no image that can be read', {
      expected: `${FORMAT_NAMES.slice(0, -1).join(', ')} or ${FORMAT_NAMES.at(-1)}`,
      received: bytes.length === 0 ? 'no bytes' : undefined,
    });
  }
  const other = OTHER_FORMATS.find(([, test]) => test(bytes))?.[0];
  if (other !== undefined) {
    throw new ServeError('TWO_FORMATS', `this is a ${format} image and ${other} at once`, {
      hint: 'save the image anew with an image editor',
    });
  }
  if (format === 'JPEG' && countScans(bytes) > MAX_SCANS) {
    throw new ServeError('TOO_MUCH_WORK', 'this JPEG image has too many scans', { expected: `at most ${MAX_SCANS}` });
  }
  return format;
}

/** What else a file may be, found where the readers of each kind look for it. */
const OTHER_FORMATS: readonly (readonly [name: string, test: (bytes: Buffer) => boolean])[] = [
  ['a ZIP archive', isZip],
  ['a PDF document', (bytes) => bytes.subarray(0, 1024).includes('%PDF-')],
  ['a web page', (bytes) => MARKUP.test(bytes.toString('latin1'))],
  ['a script', (bytes) => /^GIF8[79]a\s*(?:\/\*|=)/.test(bytes.toString('latin1', 0, HEAD))],
];

// XMP in photos is XML, so that a mere `<?xml` or `<svg` says nothing. These are long enough not to come up by chance.
const MARKUP = /<script[\s>]|<html[\s>]|<!doctype html|<iframe[\s>]|<\?php\s/i;

/** Whether the end of a ZIP archive stands within its longest comment's reach of the end of the file. */
function isZip(bytes: Buffer): boolean {
  const from = Math.max(0, bytes.length - 22 - 0xffff);
  for (let at = bytes.indexOf('PK\x05\x06', from); at !== -1; at = bytes.indexOf('PK\x05\x06', at + 1)) {
    if (at + 22 > bytes.length) return false;
    const isFirstDisk = bytes.readUInt32LE(at + 4) === 0;
    if (isFirstDisk && at + 22 + bytes.readUInt16LE(at + 20) <= bytes.length) return true;
  }
  return false;
}

function countScans(bytes: Buffer): number {
  let scans = 0;
  for (let at = bytes.indexOf('\xff\xda', 0, 'latin1'); at !== -1; at = bytes.indexOf('\xff\xda', at + 2, 'latin1'))
    scans++;
  return scans;
}
