import sharp from 'sharp';

/** A picture as a small JPEG for showing, at most `side` pixels high and wide; never enlarged. */
export async function thumbnail(encoded: Uint8Array, side = 192): Promise<Uint8Array> {
  return sharp(encoded)
    .autoOrient()
    .resize(side, side, { fit: 'inside', withoutEnlargement: true })
    .flatten({ background: '#ffffff' })
    .jpeg({ quality: 82 })
    .toBuffer();
}
