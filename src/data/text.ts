import { isUtf8 } from 'node:buffer';

/**
 * The text of a file in UTF-8, or in UTF-16 where it begins with its mark, without the mark. Undefined for other encodings: of them two
 * letters may become one, and two classes too.
 */
export function decodeText(bytes: Buffer): string | undefined {
  const isUtf16 = bytes[0] === 0xff && bytes[1] === 0xfe;
  if (!isUtf16 && !isUtf8(bytes)) return undefined;
  return bytes.toString(isUtf16 ? 'utf16le' : 'utf8').replace(/^\uFEFF/, '');
}
