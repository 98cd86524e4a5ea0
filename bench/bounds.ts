import type { Row } from './row.ts';

/** Where it is told at length, with all that was tried. */
const TRAINING = '[docs/cpu.md](../docs/cpu.md#what-bounds-a-training-step-on-the-cpu)';
const INFERENCE = '[docs/cpu.md](../docs/cpu.md#what-bounds-predictions)';

/** What bounds rows of a case. */
interface Bound {
  readonly case: string;
  readonly batch?: number;
  readonly size?: number;
  /** Models, or what stands in their place. */
  readonly of?: readonly string[];
  /** From which ratio to the best peer's time on it is told; where Sepal is behind unless given. */
  readonly above?: number;
  readonly because: string;
}

const BOUNDS: readonly Bound[] = [
  {
    case: 'train',
    of: ['densenet121', 'xception'],
    because: `nearly all multiplications are 1×1 kernels, for which no form has fewer, and XLA's products pack their operands anew each time, for kernels' gradients number by number. Tried: operands transposed first, whole or in pieces, factors exchanged, YNNPACK's products, oneDNN's own (up to 20 % longer, with more memory, and such a program can't be kept for the next start) (${TRAINING})`,
  },
  {
    case: 'train',
    of: ['resnet50'],
    because: `3×3 kernels' gradients and 1×1 kernels, as in DenseNet121 (${TRAINING})`,
  },
  { case: 'startup, cold', because: 'PyTorch compiles nothing; the goal is 20 s' },
  {
    case: 'inference',
    batch: 1,
    because: `operands of products and 3×3 kernels are packed anew for each picture, each op wakes a thread, and of so few rows a second core makes a product a third faster at most; what was measured on the EPYC is from when oneDNN did it, 0.07 to 0.1 ms a call beside its work (${INFERENCE})`,
  },
  {
    case: 'inference',
    of: ['xception'],
    because: `its 25 products of 728 channels: oneDNN packs their kernels anew in each call, ONNX Runtime once (${INFERENCE})`,
  },
  {
    case: 'input',
    size: 192,
    of: ['a fresh process, one pass, every picture decoded', 'later passes, every picture decoded again'],
    above: 1 / 3,
    because:
      'three quarters of the processor time are libjpeg-turbo, with which tf.data decodes too; its decoding of Huffman codes alone is half of it',
  },
  {
    case: 'input',
    size: 512,
    of: ['later passes, pixels of both cached'],
    because: 'one thread copies the pictures into the batches, in tf.data two',
  },
];

/** Why a row takes `ratio` of the best peer's time, where that wants a reason and one is known. `subject` is its model, or what stands in its place. */
export function boundOf(
  row: Pick<Row, 'batch' | 'size'> & { name: string; subject: string },
  ratio: number,
): string | undefined {
  const bound = BOUNDS.find(
    ({ case: name, batch = row.batch, size = row.size, of = [row.subject] }) =>
      name === row.name && batch === row.batch && size === row.size && of.includes(row.subject),
  );
  return bound !== undefined && ratio > (bound.above ?? 1) ? bound.because : undefined;
}
