import type { Random } from '../../base/index.ts';

/** One of `items`, each as likely as the others. */
export function pick<T>(random: Random, items: readonly T[]): T {
  return items[random.integer(items.length)];
}

/** One of the keys of `weights`, as likely as its weight. */
export function pickWeighted<K extends string>(random: Random, weights: Readonly<Record<K, number>>): K {
  const keys = Object.keys(weights) as K[];
  let left = random.uniform() * keys.reduce((sum, key) => sum + weights[key], 0);
  for (const key of keys) {
    left -= weights[key];
    if (left < 0) return key;
  }
  return keys[keys.length - 1];
}

/** A float around 0, nearly always within ±`amount` (two standard deviations). */
export function jitter(random: Random, amount: number): number {
  return Math.max(-1.5, Math.min(1.5, random.normal() / 2)) * amount;
}

export function chance(random: Random, probability: number): boolean {
  return random.uniform() < probability;
}
