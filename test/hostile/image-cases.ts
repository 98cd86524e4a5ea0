import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';
import type { HostileCase } from './case.ts';
import { predict } from './send.ts';

const picture = sharp({ create: { width: 64, height: 48, channels: 3, background: '#c04070' } });
const [jpeg, png, gif, webp, avif, tiff] = await Promise.all([
  picture.clone().jpeg().toBuffer(),
  picture.clone().png().toBuffer(),
  picture.clone().gif().toBuffer(),
  picture.clone().webp({ lossless: true }).toBuffer(),
  picture.clone().avif().toBuffer(),
  picture.clone().tiff().toBuffer(),
]);

/** A PNG file of these chunks. */
function pngOf(...chunks: readonly (readonly [type: string, data: Buffer])[]): Buffer {
  const framed = chunks.map(([type, data]) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(data.length);
    const sum = Buffer.alloc(4);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, sum]);
  });
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), ...framed]);
}

function pngHeader(width: number, height: number): readonly [string, Buffer] {
  const data = Buffer.alloc(13);
  data.writeUInt32BE(width, 0);
  data.writeUInt32BE(height, 4);
  data.set([8, 0, 0, 0, 0], 8);
  return ['IHDR', data];
}

const END = ['IEND', Buffer.alloc(0)] as const;
const zeros = (bytes: number) => deflateSync(Buffer.alloc(bytes), { level: 9 });

/** A JPEG with another size in its header. */
function jpegOf(width: number, height: number): Buffer {
  const bytes = Buffer.from(jpeg);
  for (let at = 2; at < bytes.length - 9; at++) {
    if (bytes[at] !== 0xff || (bytes[at + 1] !== 0xc0 && bytes[at + 1] !== 0xc2)) continue;
    bytes.writeUInt16BE(height, at + 5);
    bytes.writeUInt16BE(width, at + 7);
    break;
  }
  return bytes;
}

function gifOf(width: number, height: number): Buffer {
  const bytes = Buffer.from(gif);
  bytes.writeUInt16LE(width, 6);
  bytes.writeUInt16LE(height, 8);
  // The frame's own size, behind the colours of all frames.
  const colours = (bytes[10] & 0x80) === 0 ? 0 : 3 * 2 ** ((bytes[10] & 7) + 1);
  const frame = bytes.indexOf(0x2c, 13 + colours);
  bytes.writeUInt16LE(width, frame + 5);
  bytes.writeUInt16LE(height, frame + 7);
  return bytes;
}

const behind = (image: Buffer, text: string | Buffer) => Buffer.concat([image, Buffer.from(text)]);
const half = (image: Buffer) => image.subarray(0, image.length >> 1);

/** A JPEG with a comment. */
const commented = (comment: string) => {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(comment.length + 2);
  return Buffer.concat([
    jpeg.subarray(0, 2),
    Buffer.from([0xff, 0xfe]),
    length,
    Buffer.from(comment),
    jpeg.subarray(2),
  ]);
};

const scan = Buffer.from([0xff, 0xda, 0, 8, 1, 1, 0, 0, 0x3f, 0, 0x7f]);

type Row = readonly [name: string, bytes: Buffer];

const UNSUPPORTED: readonly Row[] = [
  ['text', Buffer.from('no image at all')],
  ['a page', Buffer.from('<!doctype html><script>alert(1)</script>')],
  ['SVG', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')],
  [
    'SVG that includes a file',
    Buffer.from('<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg>&x;</svg>'),
  ],
  [
    'SVG that expands a billion times',
    Buffer.from('<!DOCTYPE svg [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><svg>&b;</svg>'),
  ],
  ['a PDF document', Buffer.from('%PDF-1.7\n1 0 obj<<>>endobj')],
  ['PostScript', Buffer.from('%!PS\n(/etc/passwd) (r) file')],
  ['an ImageMagick script', Buffer.from('push graphic-context\nfill url(https://x)\npop graphic-context')],
  ['a ZIP archive', Buffer.from('PK\x03\x04 and so on')],
  ['a gzip file', Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0])],
  ['TIFF', tiff],
  ['BMP', Buffer.from('BM\x36\0\0\0\0\0\0\0\x36\0\0\0')],
  ['an icon', Buffer.from([0, 0, 1, 0, 1, 0, 16, 16])],
  ['JPEG 2000', Buffer.from([0, 0, 0, 12, 0x6a, 0x50, 0x20, 0x20])],
  ['a program', Buffer.from('\x7fELF\x02\x01\x01')],
  ['MP4', Buffer.from('\0\0\0\x18ftypmp42\0\0\0\0')],
  ['zeros', Buffer.alloc(4096)],
  ['one byte', Buffer.from([0xff])],
];

const DAMAGED: readonly Row[] = [
  ['half a JPEG', half(jpeg)],
  ['half a PNG', half(png)],
  ['half a GIF', gif.subarray(0, 40)],
  ['half a WebP', half(webp)],
  ['half an AVIF', half(avif)],
  ['a JPEG of its first bytes', jpeg.subarray(0, 24)],
  ['a PNG of its signature', png.subarray(0, 8)],
  ['a JPEG header and noise', Buffer.concat([jpeg.subarray(0, 4), Buffer.alloc(500, 0x5a)])],
  ['a JPEG of no pixels', jpegOf(0, 0)],
  ['a PNG of no pixels', pngOf(pngHeader(0, 0), ['IDAT', zeros(1)], END)],
  ['a PNG without pixels behind its header', pngOf(pngHeader(64, 64), END)],
  ['a PNG whose data are not compressed', pngOf(pngHeader(64, 64), ['IDAT', Buffer.alloc(100, 1)], END)],
  [
    'a PNG with a chunk of 2 GiB',
    Buffer.concat([png.subarray(0, 33), Buffer.from([0x7f, 0xff, 0xff, 0xff]), Buffer.from('IDATx')]),
  ],
  ['a WebP that says it is longer', Buffer.from('RIFF\xff\xff\xff\x7fWEBPVP8L\x10\0\0\0/', 'latin1')],
  ['an AVIF of its first box', avif.subarray(0, 32)],
];

const TOO_MANY: readonly Row[] = [
  ['a PNG bomb: 30,000 × 30,000 in 900 KB', pngOf(pngHeader(30_000, 30_000), ['IDAT', zeros(30_000 * 3000)], END)],
  ['a PNG that says 60,000 × 60,000', pngOf(pngHeader(60_000, 60_000), ['IDAT', zeros(100)], END)],
  ['a PNG of one row', pngOf(pngHeader(100_000_000, 1), ['IDAT', zeros(100)], END)],
  ['a JPEG that says 65,500 × 65,500', jpegOf(65_500, 65_500)],
  ['a GIF that says 65,000 × 65,000', gifOf(65_000, 65_000)],
];

const TWO_FORMATS: readonly Row[] = [
  ['a JPEG with a ZIP archive behind it', behind(jpeg, Buffer.concat([Buffer.from('PK\x05\x06'), Buffer.alloc(18)]))],
  ['a GIF with a JAR behind it', behind(gif, Buffer.concat([Buffer.from('PK\x05\x06'), Buffer.alloc(18)]))],
  ['a PNG with a page behind it', behind(png, '<html><script>alert(document.domain)</script></html>')],
  ['a JPEG with PHP in its comment', commented('<?php system($_GET["c"]); ?>')],
  ['a JPEG with a script in its comment', commented('*/=1;</style><script >alert(1)</script>')],
  ['a JPEG with a PDF document in its comment', commented('%PDF-1.4 1 0 obj')],
  ['a GIF that is JavaScript', Buffer.concat([Buffer.from('GIF89a/*'), gif.subarray(8), Buffer.from('*/=alert(1)')])],
];

const rows = (group: string, list: readonly Row[], status: number, code: HostileCase['code']): HostileCase[] =>
  list.map(([name, bytes]) => {
    return { group, name, status, code, attack: (target) => predict(target, bytes, 'image/jpeg') };
  });

export const IMAGE_CASES: readonly HostileCase[] = [
  ...rows('no image that is taken', UNSUPPORTED, 415, 'UNSUPPORTED_IMAGE'),
  ...rows('a damaged image', DAMAGED, 422, 'BAD_IMAGE'),
  ...rows('a bomb', TOO_MANY, 422, 'TOO_MANY_PIXELS'),
  ...rows(
    'a bomb',
    [
      [
        'a JPEG of 5,000 scans',
        Buffer.concat([jpeg.subarray(0, -2), ...Array.from({ length: 5000 }, () => scan), jpeg.subarray(-2)]),
      ],
    ],
    422,
    'TOO_MUCH_WORK',
  ),
  ...rows('two formats at once', TWO_FORMATS, 422, 'TWO_FORMATS'),
];
