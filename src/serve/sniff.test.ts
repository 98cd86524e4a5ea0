import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { sniff } from './sniff.ts';

const picture = sharp({ create: { width: 24, height: 16, channels: 3, background: '#c05070' } });
const jpeg = await picture.clone().jpeg().toBuffer();
const gif = await picture.clone().gif().toBuffer();

test('the five formats are known by their content', async () => {
  assert.equal(sniff(jpeg), 'JPEG');
  assert.equal(sniff(await picture.clone().png().toBuffer()), 'PNG');
  assert.equal(sniff(gif), 'GIF');
  assert.equal(sniff(await picture.clone().webp().toBuffer()), 'WebP');
  assert.equal(sniff(await picture.clone().avif().toBuffer()), 'AVIF');
});

test('anything else is refused', async () => {
  const others = ['', 'hello', '<svg xmlns="http://www.w3.org/2000/svg"/>', '%PDF-1.7', 'BM', '\0asm', 'II*\0'];
  for (const text of [...others.map((other) => Buffer.from(other)), await picture.clone().tiff().toBuffer()]) {
    assert.throws(() => sniff(text), { code: 'UNSUPPORTED_IMAGE' });
  }
});

/** The end of a ZIP archive with one comment. */
const zipEnd = Buffer.concat([Buffer.from('PK\x05\x06'), Buffer.alloc(18)]);

for (const [name, bytes] of [
  ['a JPEG with a ZIP archive behind it', Buffer.concat([jpeg, zipEnd])],
  ['a JPEG with a page behind it', Buffer.concat([jpeg, Buffer.from('<html><script>alert(1)</script>')])],
  ['a JPEG with PHP in it', Buffer.concat([jpeg, Buffer.from('<?php system($_GET[0]);')])],
  [
    'a JPEG with a PDF document in its first bytes',
    Buffer.concat([jpeg.subarray(0, 20), Buffer.from('%PDF-1.4'), jpeg.subarray(20)]),
  ],
  ['a GIF that is a script', Buffer.concat([Buffer.from('GIF89a/*'), gif.subarray(8), Buffer.from('*/=1')])],
] as const) {
  test(`${name} is refused`, () => {
    assert.throws(() => sniff(bytes), { code: 'TWO_FORMATS' });
  });
}

test('a photo with the XML of its editor, or another photo behind it, is fine', () => {
  const xmp = '<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"></x:xmpmeta>';
  assert.equal(sniff(Buffer.concat([jpeg, Buffer.from(xmp)])), 'JPEG');
  assert.equal(sniff(Buffer.concat([jpeg, jpeg])), 'JPEG');
});

test('a JPEG with hundreds of scans is refused', () => {
  const scan = Buffer.from('\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00\xff', 'latin1');
  const bytes = Buffer.concat([jpeg.subarray(0, -2), ...Array.from({ length: 200 }, () => scan)]);
  assert.throws(() => sniff(bytes), { code: 'TOO_MUCH_WORK' });
});
