/**
 * A class's name as people read it: `common_daisy` → `common daisy`.
 *
 * @param {string} name
 */
export const readable = (name) => name.replaceAll('_', ' ');

/**
 * A probability as a percentage that never claims certainty.
 *
 * @param {number} probability
 */
export function percent(probability) {
  const value = 100 * probability;
  if (value > 99.9) return '> 99.9 %';
  if (value < 0.1) return '< 0.1 %';
  return `${value.toFixed(value < 10 || value > 99 ? 1 : 0)} %`;
}

/**
 * Bytes in tenths of a MiB. Limits are rounded down and what is beyond them up, so that the two always differ.
 *
 * @param {number} bytes
 * @param {(value: number) => number} round
 */
export const megabytes = (bytes, round) => `${round((10 * bytes) / 2 ** 20) / 10} MiB`;

/** @param {number} milliseconds */
export const duration = (milliseconds) =>
  milliseconds < 1000 ? `${Math.max(1, Math.round(milliseconds))} ms` : `${(milliseconds / 1000).toFixed(1)} s`;

/**
 * The classes in a sentence, shortened where there are many.
 *
 * @param {readonly string[]} names
 */
export function listed(names) {
  const words = names.map(readable);
  if (words.length > 8) return `${words.slice(0, 6).join(', ')} and ${words.length - 6} more`;
  return words.length === 1 ? words[0] : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

const ROWS = ['upper', '', 'lower'];
const COLUMNS = ['left', '', 'right'];

/**
 * Where the weight of a map lies: `centre`, `upper left`.
 *
 * @param {{ height: number, width: number, values: readonly number[] }} map
 */
export function whereabouts({ height, width, values }) {
  let total = 0;
  let y = 0;
  let x = 0;
  for (const [i, value] of values.entries()) {
    // The square keeps the many faint places from pulling everything to the centre.
    const weight = value * value;
    total += weight;
    y += weight * (Math.floor(i / width) + 0.5);
    x += weight * ((i % width) + 0.5);
  }
  if (total === 0) return '';
  /** @type {(share: number) => 0 | 1 | 2} */
  const third = (share) => (share < 0.4 ? 0 : share > 0.6 ? 2 : 1);
  const words = [ROWS[third(y / total / height)], COLUMNS[third(x / total / width)]].filter((word) => word !== '');
  return words.length === 0 ? 'centre' : words.join(' ');
}
