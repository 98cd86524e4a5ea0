import { UsageError } from '../base/index.ts';

/** Refuses a number that is not whole, or not within its bounds. @throws UsageError `OUT_OF_RANGE`. */
export function checkInteger(name: string, value: number, least: number, most = Infinity): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return;
  throw new UsageError('OUT_OF_RANGE', `${name} is out of range`, {
    expected: `a whole number from ${least}${most === Infinity ? '' : ` to ${most}`}`,
    received: String(value),
  });
}
