import { FIGURES, type Figure, type Sample } from './sample.ts';

/** How a figure went over a soak. */
export interface Growth {
  readonly figure: Figure;
  readonly first: number;
  readonly last: number;
  readonly peak: number;
  /** By the trend over all of the time that counts. */
  readonly grown: number;
  /** By the trend within each round, over the same time: what a single run of that length would grow by. */
  readonly grownWithin: number;
  readonly allowed: number;
  readonly isFlat: boolean;
}

/** Share of the time at the start that doesn't count: caches fill, pools of memory and threads are made. */
const WARM_UP = 0.15;

/** Epochs of a round that says by how much one grows; a shorter one is nearly all start. */
const FEWEST = 20;

/** How each figure went, judged by trends that single high samples don't move. */
export function growthOf(samples: readonly Sample[]): Growth[] {
  const last = samples[samples.length - 1]?.seconds ?? 0;
  const counted = samples.filter(({ seconds }) => seconds >= WARM_UP * last);
  const duration = counted.length === 0 ? 0 : last - counted[0].seconds;
  return (Object.keys(FIGURES) as Figure[]).map((figure) => {
    const points = (of: readonly Sample[]) => of.map(({ seconds, figures }) => ({ x: seconds, y: figures[figure] }));
    const inside = counted.filter(({ epoch }) => epoch !== undefined);
    const long = [...Map.groupBy(inside, ({ round }) => round).values()].filter(({ length }) => length >= FEWEST);
    const rounds = long.map((round) => points(withoutStart(round)));
    const all = points(inside);
    const ys = all.map(({ y }) => y);
    const grown = trend([all]) * duration;
    const grownWithin = trend(rounds) * duration;
    const { share, slack } = FIGURES[figure];
    const allowed = Math.max(slack, share * (ys[0] ?? 0));
    // What the system doesn't tell is not judged.
    const isFlat = ys.some(Number.isNaN) || Math.max(grown, grownWithin) <= allowed;
    return { figure, first: ys[0] ?? NaN, last: ys[ys.length - 1] ?? NaN, peak: Math.max(...ys), grown, grownWithin, allowed, isFlat }; // prettier-ignore
  });
}

/** The first epochs of a run set up what the others use. */
const withoutStart = (round: readonly Sample[]): readonly Sample[] => round.slice(Math.ceil(round.length / 10));

interface Point {
  readonly x: number;
  readonly y: number;
}

/** Pairs are taken so far apart that there are not many more of them than this. */
const MOST_PAIRS = 200_000;

/** The median slope between points of the same series (Theil and Sen): single samples far off don't move it. */
export function trend(series: readonly (readonly Point[])[]): number {
  const pairs = series.reduce((sum, { length }) => sum + (length * (length - 1)) / 2, 0);
  const stride = Math.max(1, Math.floor(pairs / MOST_PAIRS));
  const slopes: number[] = [];
  let n = 0;
  for (const points of series) {
    for (let i = 0; i < points.length; i++) {
      for (let j = i + 1; j < points.length; j++) {
        if (n++ % stride !== 0 || points[j].x === points[i].x) continue;
        slopes.push((points[j].y - points[i].y) / (points[j].x - points[i].x));
      }
    }
  }
  slopes.sort((a, b) => a - b);
  return slopes.length === 0 ? 0 : slopes[Math.floor(slopes.length / 2)];
}
