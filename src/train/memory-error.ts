import { formatBytes, treeLeaves } from '../base/index.ts';
import { batchThatFits, memoryShortage } from '../runtime/index.ts';
import { byteSize, elementCount, isTensorType } from '../xla/index.ts';
import { TrainingError } from './errors.ts';

/** The step that didn't fit. */
interface LargeStep {
  readonly batchSize: number;
  readonly replicas: number;
  readonly accumulate: number;
  /** Types of the step's arguments, in any tree. */
  readonly types: unknown;
}

/** What a step's compilation or run threw; where a device's memory is too small, as an error that tells the batch that would fit. */
export function memoryError(error: unknown, { batchSize, replicas, accumulate, types }: LargeStep): unknown {
  const shortage = memoryShortage(error);
  if (shortage === undefined) return error;
  const argumentBytes = treeLeaves(types, isTensorType).reduce(
    (sum, { shape, dtype }) => sum + elementCount(shape) * byteSize(dtype),
    0,
  );
  const { neededBytes, availableBytes } = shortage;
  const fits = batchThatFits(shortage, { batchSize, replicas, argumentBytes });
  const parts = fits === undefined ? undefined : accumulate * 2 ** Math.ceil(Math.log2(batchSize / fits));
  return new TrainingError('OUT_OF_MEMORY', `a step of ${batchSize} images doesn't fit the memory of a device`, {
    expected: Number.isNaN(availableBytes) ? undefined : `at most ${formatBytes(availableBytes)}`,
    received: Number.isNaN(neededBytes) ? undefined : `${formatBytes(neededBytes)} besides its arguments`,
    hint:
      fits === undefined
        ? 'use a smaller batch or image size, or accumulate gradients: --set accumulate=4'
        : `a batch of ${fits} should fit: --batch-size ${fits}; or keep the batch and accumulate gradients: --set accumulate=${parts}`,
    cause: error,
  });
}
