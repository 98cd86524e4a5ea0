const MISSING = '–';

/** `0.8675` → `86.8%`. */
export function percent(share: number): string {
  return Number.isFinite(share) ? `${(100 * share).toFixed(1)}%` : MISSING;
}

/** A score from 0 to 1, with three places: differences below that are noise. */
export function score(value: number): string {
  return Number.isFinite(value) ? value.toFixed(3) : MISSING;
}

/** A loss, with three places while it is large and three digits once it is small. */
export function lossText(value: number): string {
  if (!Number.isFinite(value)) return MISSING;
  return value !== 0 && Math.abs(value) < 0.01 ? value.toPrecision(3) : value.toFixed(3);
}

/** A learning rate in three digits, `0.001` or `2.5e-5`. */
export function rate(value: number): string {
  if (!Number.isFinite(value)) return MISSING;
  if (value === 0) return '0';
  const digits = Number(value.toPrecision(3));
  return Math.abs(digits) < 1e-3 ? digits.toExponential().replace('e+', 'e') : String(digits);
}

/** What a reader sees as characters: an emoji or an accented letter is one. */
export function characters(text: string): string[] {
  return Array.from(new Intl.Segmenter('en').segment(text), ({ segment }) => segment);
}

/** `text` cut to `length` characters, with an ellipsis where something was cut. */
export function shorten(text: string, length: number): string {
  const all = characters(text);
  if (all.length <= length) return text;
  return `${all
    .slice(0, length - 1)
    .join('')
    .trimEnd()}…`;
}
