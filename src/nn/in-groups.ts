import { elementCount, formatShape, inOneKernel, type Tensor } from '../xla/index.ts';

/** Elements of a tensor up to which what is done with it shares a kernel: larger ones are better split over processors. */
const SMALL = 2 ** 18;
/** Tensors of one shape from which on they are left alone: XLA compiles their kernels once. */
const MANY = 8;
/** Tensors that share a kernel, and their elements, at most. */
const GROUP = { tensors: 32, elements: 2 ** 19 };

/**
 * Does the same with every tensor, such as updating a variable, with many small ones in one kernel where no others have their
 * shape: DenseNet121's variables have a hundred shapes, and three or four kernels for each take seconds to compile and to load.
 *
 * @returns what `body` gave for each.
 */
export function inGroups(
  tensors: readonly Tensor[],
  body: (index: number) => readonly Tensor[],
): (readonly Tensor[])[] {
  const results: (readonly Tensor[])[] = [];
  let group: number[] = [];
  let elements = 0;
  const flush = (): void => {
    const counts: number[] = [];
    const all = inOneKernel(() =>
      group.flatMap((index) => {
        const made = body(index);
        counts.push(made.length);
        return made;
      }),
    );
    let next = 0;
    for (const [i, index] of group.entries()) results[index] = all.slice(next, (next += counts[i]));
    group = [];
    elements = 0;
  };
  const alike = new Map<string, number>();
  for (const { shape } of tensors) alike.set(formatShape(shape), (alike.get(formatShape(shape)) ?? 0) + 1);
  for (const [index, { shape }] of tensors.entries()) {
    const size = elementCount(shape);
    if (size > SMALL || (alike.get(formatShape(shape)) ?? 0) >= MANY) {
      results[index] = body(index);
      continue;
    }
    if (group.length === GROUP.tensors || elements + size > GROUP.elements) flush();
    group.push(index);
    elements += size;
  }
  flush();
  return results;
}
