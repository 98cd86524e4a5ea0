import type { Random } from '../base/index.ts';

/** How likely each number from 0 to 1 is. */
export interface Density {
  sample(random: Random): number;
  at(value: number): number;
}

/**
 * A density over 0 to 1 that is high near the given points: a bell around each, as wide as its neighbours are far, and a
 * flat part that weighs as much as one of them. What lies beyond the ends is mirrored.
 */
export function parzen(points: readonly number[]): Density {
  const sorted = points.toSorted((a, b) => a - b);
  const narrowest = 1 / Math.min(100, sorted.length + 1);
  const bells = sorted.map((centre, i) => {
    const gap = Math.max(centre - (sorted[i - 1] ?? 0), (sorted[i + 1] ?? 1) - centre);
    return { centre, width: Math.min(0.5, Math.max(narrowest, gap)) };
  });
  return {
    sample(random) {
      const bell = bells[random.integer(bells.length + 1)];
      if (bell === undefined) return random.uniform();
      const value = Math.abs(bell.centre + bell.width * random.normal()) % 2;
      return Math.min(value > 1 ? 2 - value : value, 1 - Number.EPSILON);
    },
    at(value) {
      const sum = bells.reduce((total, { centre, width }) => {
        return (
          total + [value, -value, 2 - value].reduce((part, image) => part + bell((image - centre) / width), 0) / width
        );
      }, 1);
      return sum / (bells.length + 1);
    },
  };
}

const bell = (x: number): number => Math.exp(-(x * x) / 2) / Math.sqrt(2 * Math.PI);

/** How likely each of the first `count` numbers is: how often it was given, and once more for all together. */
export function shares(indices: readonly number[], count: number): number[] {
  const counts = Array.from({ length: count }, () => 1 / count);
  for (const index of indices) counts[index]++;
  return counts.map((each) => each / (indices.length + 1));
}
