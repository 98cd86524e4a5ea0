import { formatCount } from '../base/index.ts';
import type { HistoryRow } from './report-data.ts';

/** Images a second of the median epoch: the first one also compiles, and others may share the machine. */
export function medianThroughput(history: readonly HistoryRow[]): number {
  const rates = history.map((row) => row.imagesPerSecond).toSorted((a, b) => a - b);
  return rates[Math.floor(rates.length / 2)] ?? NaN;
}

export const throughputText = (imagesPerSecond: number): string =>
  Number.isFinite(imagesPerSecond) ? formatCount(Math.round(imagesPerSecond)) : '–';
