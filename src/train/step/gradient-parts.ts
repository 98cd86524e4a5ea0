import { UsageError } from '../../base/index.ts';
import {
  add,
  dynamicSlice,
  dynamicUpdateSlice,
  full,
  less,
  mul,
  scalar,
  whileLoop,
  zerosLike,
  type Tensor,
} from '../../xla/index.ts';
import type { BatchTensors } from './batch-tensors.ts';

/** What some examples of a batch contribute to a step. */
export interface StepPart {
  /** Of the examples' share of the loss, in the order of the parameters. */
  readonly gradients: readonly Tensor[];
  /** Moving statistics after these examples. */
  readonly statistics: Readonly<Record<string, Tensor>>;
  /** Loss of each example, 0 for padding. */
  readonly losses: Tensor;
  readonly logits: Tensor;
}

/** What a step computes for some rows of the replica's batch, of which `offset` come before. */
export type ComputePart = (
  rows: BatchTensors,
  offset: Tensor,
  statistics: Readonly<Record<string, Tensor>>,
) => StepPart;

/** Rows of each part of a replica's rows. @throws UsageError `ACCUMULATE` where they would not be the same number. */
export function rowsPerPart(rows: number, parts: number): number {
  if (rows % parts === 0) return rows / parts;
  throw new UsageError('ACCUMULATE', `${rows} images a replica don't divide into ${parts} parts`, {
    hint: `choose a batch size that is a multiple of ${parts} times the number of replicas, or another accumulate`,
  });
}

/**
 * Takes a batch in `parts` equal pieces, one after the other, in the memory of one, and adds up their gradients.
 *
 * Batch norm normalises each piece by its own examples, as if the batch were that small; all else is as in one piece.
 *
 * @throws UsageError `ACCUMULATE` for a batch that doesn't divide.
 */
export function inParts(
  parts: number,
  batch: BatchTensors,
  start: { readonly params: readonly Tensor[]; readonly statistics: Readonly<Record<string, Tensor>>; classes: number },
  compute: ComputePart,
): StepPart {
  const [total] = batch.labels.shape;
  const rows = rowsPerPart(total, parts);
  const names = Object.keys(start.statistics);
  const count = start.params.length;
  const initial = [
    full([], 0, 'int32'),
    full([total], 0, 'float32'),
    full([total, start.classes], 0, 'float32'),
    ...start.params.map(zerosLike),
    ...names.map((name) => start.statistics[name]),
  ];
  const [, losses, logits, ...rest] = whileLoop(
    initial,
    (part) => less(part, parts),
    (part, ...state) => {
      const [allLosses, allLogits, ...sums] = state;
      const offset = mul(part, rows);
      const statistics = Object.fromEntries(names.map((name, i) => [name, sums[count + i]]));
      const result = compute(rowsOf(batch, offset, rows), offset, statistics);
      return [
        add(part, 1),
        dynamicUpdateSlice(allLosses, result.losses, [offset]),
        dynamicUpdateSlice(allLogits, result.logits, [offset, scalar(0, 'int32')]),
        ...result.gradients.map((gradient, i) => add(sums[i], gradient)),
        ...names.map((name) => result.statistics[name]),
      ];
    },
  );
  return {
    gradients: rest.slice(0, count),
    statistics: Object.fromEntries(names.map((name, i) => [name, rest[count + i]])),
    losses,
    logits,
  };
}

function rowsOf(batch: BatchTensors, offset: Tensor, rows: number): BatchTensors {
  const take = (tensor: Tensor): Tensor => {
    const [, ...others] = tensor.shape;
    const starts = [offset, ...others.map(() => scalar(0, 'int32'))];
    return dynamicSlice(tensor, starts, [rows, ...others]);
  };
  return { images: take(batch.images), labels: take(batch.labels), mask: take(batch.mask) };
}
