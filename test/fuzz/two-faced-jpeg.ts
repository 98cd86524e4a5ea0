import sharp from 'sharp';

/**
 * A JPEG file that says two sizes: `shown` where a reader arrives that takes a restart marker for the beginning of a
 * segment, and `hidden` at once behind that marker, where libjpeg goes on.
 */
export async function twoFacedJpeg(shown: number, hidden: { height: number; width: number }): Promise<Buffer> {
  const plain = await sharp(Buffer.alloc(shown * shown * 3, 128), { raw: { width: shown, height: shown, channels: 3 } })
    .jpeg()
    .toBuffer();
  const body = Buffer.from(plain.subarray(2));
  const frame = body.indexOf(Buffer.from([0xff, 0xc0]));
  body.writeUInt16BE(hidden.height, frame + 5);
  body.writeUInt16BE(hidden.width, frame + 7);
  // The first two bytes of the next marker are what stands for the length.
  const length = body.readUInt16BE(0);
  const filled = Buffer.alloc(length);
  body.copy(filled);
  return Buffer.concat([plain.subarray(0, 2), Buffer.from([0xff, 0xd0]), filled, plain.subarray(2)]);
}
