import { channelVector } from '../channel-vector.ts';
import { full } from '../creation.ts';
import { mul, sub } from '../elementwise.ts';
import { emit } from '../emit.ts';
import { isOp, type Tensor } from '../ir.ts';
import { matmul } from '../linear.ts';
import { elementCount } from '../shape.ts';
import { reshape, sliceAxis } from '../structure.ts';
import { rowsOf } from './cpu-pointwise.ts';
import type { Rewrite } from './rewrite.ts';

/** Fewest numbers that XLA hands to YNNPACK: its own loops do less. */
const LEAST = 4096;
/** Most numbers whose sum takes no more processor time as a product than by YNNPACK. */
const MOST = 300_000;
/** The same where they are products, which are then written before they are added up. */
const MOST_PRODUCTS = 100_000;

/**
 * Sums over all axes but the last, as of batch norm and of what flows back to a bias.
 *
 * XLA hands them to YNNPACK, which builds a program of its own for each in a process's first run, and two threads that build at once wait
 * for each other's memory: 525 of them made a DenseNet121's first step 0.9 s longer than its others.
 *
 * - Small ones are products with two rows of ones, which need no program: a sum of [576, 128] takes 0.07 ms in its first run and 27 µs
 *   later, by YNNPACK 0.8 ms and 27 µs. For one row XLA would compile a kernel for each sum, by which DenseNet121 takes a fifth longer to
 *   compile.
 * - The others go over rows. [16, 24, 24, 128] less its mean, squared, takes 3.3 ms in its first run over three axes, and 1.8 over one.
 */
export const sumOfRows: Rewrite<'reduce'> = ({ kind, axes }, [x]) => {
  const isOverRows = axes.length === x.rank - 1 && axes.length > 0 && !axes.includes(x.rank - 1);
  const count = elementCount(x.shape);
  const isWide = x.dtype === 'float32' || x.dtype === 'float64';
  if (kind !== 'sum' || !isWide || !isOverRows || count < LEAST) return undefined;
  const products = productRows(x);
  const rows = products ?? reshape(x, rowsOf(x.shape));
  if (count <= (products === undefined ? MOST : MOST_PRODUCTS)) {
    const [places, channels] = rows.shape;
    const twice = matmul(full([2, places], 1, x.dtype), rows);
    return [reshape(sliceAxis(twice, 0, 0, 1), [channels])];
  }
  return x.rank === 2 ? undefined : [emit('reduce', { kind, axes: [0] }, [rows])];
};

/** Rows of data · (data − mean) or (data − mean)²: made of rows before the sum, not after it, as YNNPACK takes them in. */
function productRows(x: Tensor): Tensor | undefined {
  if (!isOp(x.node, 'multiply')) return undefined;
  const [left, right] = x.node.inputs;
  const deviation = deviationRows(right);
  if (deviation === undefined) return undefined;
  return mul(left.node === right.node ? deviation : reshape(left, rowsOf(left.shape)), deviation);
}

function deviationRows(x: Tensor): Tensor | undefined {
  if (!isOp(x.node, 'subtract')) return undefined;
  const [data, wide] = x.node.inputs;
  const mean = channelVector(wide);
  return mean && sub(reshape(data, rowsOf(x.shape)), mean);
}
