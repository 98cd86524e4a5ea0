const UNITS = { d: 86_400, h: 3600, m: 60, s: 1 } as const;

/** Seconds of a time such as `2h45m`, `90m`, `1.5h` or `45s`; a number alone is seconds. Undefined for what is none. */
export function parseDuration(text: string): number | undefined {
  const compact = text.trim().toLowerCase().replaceAll(' ', '');
  if (/^\d+(\.\d+)?$/.test(compact)) return positive(Number(compact));
  const number = String.raw`(\d+(?:\.\d+)?)`;
  const parts = new RegExp(`^(?:${number}d)?(?:${number}h)?(?:${number}m)?(?:${number}s)?$`).exec(compact);
  if (parts === null) return undefined;
  return positive(Object.values(UNITS).reduce((sum, seconds, i) => sum + Number(parts[i + 1] ?? 0) * seconds, 0));
}

const positive = (seconds: number): number | undefined => (seconds > 0 ? seconds : undefined);
