const BARS = '▁▂▃▄▅▆▇█';

/** Numbers as a row of bars of a terminal's characters, at most `width` of them, from 0 or the lowest below it. */
export function sparkline(values: readonly number[], width = 60): string {
  const count = Math.min(width, values.length);
  const shown = Array.from({ length: count }, (_, i) => values[Math.floor(((i + 0.5) * values.length) / count)]);
  const low = shown.reduce((a, b) => Math.min(a, b), 0);
  const high = shown.reduce((a, b) => Math.max(a, b), low);
  const scale = high === low ? 0 : (BARS.length - 1) / (high - low);
  return shown.map((value) => BARS[Math.round((value - low) * scale)] ?? ' ').join('');
}
