import { clamp, constant, convert, dotGeneral, transpose, type Tensor } from '../xla/index.ts';

/**
 * The middle of images `[N, H, W, C]` magnified to their size; `share` is that of their sides. Values are within 0..255.
 *
 * Training on random parts of pictures shows objects larger than whole pictures do. A network judges best what is as large as
 * what it was taught (Touvron et al. 2019), so its predictions may look at the middle alone: `crop_pct` in timm.
 */
export function centerCrop(images: Tensor, share: number): Tensor {
  const [, height, width] = images.shape;
  const rows = alongLast(transpose(convert(images, 'float32'), [0, 3, 2, 1]), magnifying(height, share));
  const pixels = alongLast(transpose(rows, [0, 1, 3, 2]), magnifying(width, share));
  return clamp(transpose(pixels, [0, 2, 3, 1]), 0, 255);
}

/** Maps `[N, K, H, W]` of what was seen in the middle of pictures as maps of the whole pictures: 0 around it. */
export function aroundCenter(maps: Tensor, share: number): Tensor {
  if (share === 1) return maps;
  const [, , height, width] = maps.shape;
  const columns = alongLast(maps, placing(width, share));
  return transpose(alongLast(transpose(columns, [0, 1, 3, 2]), placing(height, share)), [0, 1, 3, 2]);
}

/** Products of the last axis with a matrix `[size, size]`; every exporter has them. */
function alongLast(values: Tensor, matrix: Float32Array): Tensor {
  const size = Math.sqrt(matrix.length);
  return dotGeneral(values, constant(matrix, [size, size], 'float32'), {
    batchLeft: [],
    batchRight: [],
    contractLeft: [values.shape.length - 1],
    contractRight: [0],
  });
}

/** By how much each place (row) takes part in each place of the magnified middle (column): cubics of Keys (1981), a = -1/2. */
function magnifying(size: number, share: number): Float32Array {
  return matrixOf(size, (place) => {
    const position = (place + 0.5) * share + (size * (1 - share)) / 2 - 0.5;
    const first = Math.floor(position) - 1;
    return [0, 1, 2, 3].map((i) => [first + i, cubic(Math.abs(position - first - i))]);
  });
}

/** By how much each place (row) of the middle takes part in each place of the whole (column). */
function placing(size: number, share: number): Float32Array {
  return matrixOf(size, (place) => {
    const position = ((place + 0.5) / size - (1 - share) / 2) / share;
    if (position < 0 || position > 1) return [];
    const first = Math.floor(position * size - 0.5);
    const rest = position * size - 0.5 - first;
    return [[first, 1 - rest], [first + 1, rest]]; // prettier-ignore
  });
}

type Parts = readonly (readonly [from: number, weight: number])[];

/** A matrix by its columns; what lies beyond an edge is the edge. */
function matrixOf(size: number, column: (place: number) => Parts): Float32Array {
  const matrix = new Float32Array(size * size);
  for (let place = 0; place < size; place++) {
    for (const [from, weight] of column(place)) {
      matrix[Math.min(Math.max(from, 0), size - 1) * size + place] += weight;
    }
  }
  return matrix;
}

const cubic = (d: number): number => {
  if (d < 1) return (1.5 * d - 2.5) * d * d + 1;
  return d < 2 ? ((-0.5 * d + 2.5) * d - 4) * d + 2 : 0;
};
