/**
 * The greedy choice of a model soup (Wortsman et al. 2022): the best by itself, then each next one in the order of their own
 * scores where the mean with it scores no worse. `scoreOf` says what a mean of some scores, by their numbers in ascending order.
 */
export async function greedyChoice(
  count: number,
  scoreOf: (numbers: readonly number[]) => number | Promise<number>,
): Promise<readonly number[]> {
  const alone: { readonly number: number; readonly score: number }[] = [];
  for (let number = 0; number < count; number++) alone.push({ number, score: await scoreOf([number]) });
  const [first, ...others] = alone.toSorted((a, b) => b.score - a.score);
  let chosen: readonly number[] = [first.number];
  let best = first.score;
  for (const { number } of others) {
    const wider = [...chosen, number].toSorted((a, b) => a - b);
    const score = await scoreOf(wider);
    if (score < best) continue;
    chosen = wider;
    best = score;
  }
  return chosen;
}
