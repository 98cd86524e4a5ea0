/** Colours of a map from faint to strong: red, green, blue, and how much of the photo they cover. */
const STOPS = [
  [255, 221, 89, 0],
  [255, 196, 61, 0.38],
  [250, 128, 45, 0.62],
  [214, 33, 75, 0.78],
];

/**
 * Draws a photo with a map of what speaks for a class over it; the photo pales where nothing does.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {HTMLImageElement} image decoded
 * @param {{ height: number, width: number, values: readonly number[] }} map
 */
export function drawHeat(canvas, image, map) {
  const { naturalWidth: width, naturalHeight: height } = image;
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext('2d');
  const small = new OffscreenCanvas(map.width, map.height);
  const cells = small.getContext('2d');
  if (context === null || cells === null) return;
  context.filter = 'grayscale(0.85) brightness(0.92)';
  context.drawImage(image, 0, 0);
  context.filter = 'none';
  cells.putImageData(colours(map), 0, 0);
  context.imageSmoothingQuality = 'high';
  // Cells are drawn around their centres; half a cell at the edges would otherwise fade out.
  context.drawImage(small, 0, 0, width, height);
}

/** @param {{ height: number, width: number, values: readonly number[] }} map */
function colours({ height, width, values }) {
  const data = new ImageData(width, height);
  for (const [i, value] of values.entries()) {
    const at = Math.min(0.9999, Math.max(0, value)) * (STOPS.length - 1);
    const [low, high] = [STOPS[Math.floor(at)], STOPS[Math.floor(at) + 1]];
    const mix = (/** @type {number} */ channel) => low[channel] + (at % 1) * (high[channel] - low[channel]);
    data.data.set([mix(0), mix(1), mix(2), 255 * mix(3)], 4 * i);
  }
  return data;
}
