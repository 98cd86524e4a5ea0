import { assert } from '../base/index.ts';
import { sameShape, type DType, type HostTensor, type Shape } from '../xla/index.ts';
import { ExportError } from './errors.ts';
import { transposeHost } from './host-math.ts';
import type { OnnxWriter } from './onnx-writer.ts';

/** How a feature map lies: channels last as in our programs, or first as ONNX's convolutions want them. */
export type Layout = 'last' | 'first';

/** ONNX's axes of a feature map by ours. */
const TO_FIRST = [0, 3, 1, 2] as const;
const TO_LAST = [0, 2, 3, 1] as const;
/** Where each of our axes is when channels come first. */
export const AXIS_IN_FIRST = [0, 2, 3, 1] as const;

/** Size that stands for the batch's while a program is traced: a prime that no network has anywhere else. */
export const BATCH = 1_000_003;

/**
 * A tensor of the program in the model.
 *
 * ONNX repeats what is too small by itself, so where the program repeats a tensor its value stays small: an axis of
 * `shape` is as long as the program's or 1.
 */
export interface Value {
  readonly shape: Shape;
  readonly dtype: DType;
  /** Numbers that are known when the model is written. */
  readonly host?: HostTensor;
  /** Its names in the model, in the layouts that it has been needed in. */
  readonly names: { last?: string; first?: string };
}

export const hostValue = (host: HostTensor, name = ''): Value & { readonly hint: string } => ({
  shape: host.shape,
  dtype: host.dtype,
  host,
  names: {},
  hint: name === '' ? 'constant' : name,
});

/** The value's name in a layout; what it lies in otherwise is turned round once. */
export function nameIn(writer: OnnxWriter, value: Value & { readonly hint?: string }, layout: Layout): string {
  const { names, host, shape } = value;
  const wanted = shape.length === 4 ? layout : 'last';
  const known = names[wanted];
  if (known !== undefined) return known;
  if (host !== undefined) {
    const stored = wanted === 'first' ? transposeHost(host, TO_FIRST) : host;
    return (names[wanted] = writer.tensor(value.hint ?? 'constant', stored));
  }
  const other = wanted === 'first' ? names.last : names.first;
  assert(other !== undefined, 'a value has no name');
  return (names[wanted] = writer.node('Transpose', [other], { perm: wanted === 'first' ? TO_FIRST : TO_LAST }));
}

/** The layout that spares turning: channels first where a feature map among the values lies so already. */
export function commonLayout(values: readonly Value[]): Layout {
  const computed = values.filter(({ host, shape }) => host === undefined && shape.length === 4);
  return computed.some(({ names }) => names.first !== undefined && names.last === undefined) ? 'first' : 'last';
}

/** Refuses a value that stands for a larger tensor, where its every element is needed. */
export function requireWhole(op: string, value: Value, shape: Shape): void {
  if (sameShape(value.shape, shape)) return;
  throw new ExportError('EXPORT_OP', `ONNX: ${op} of a repeated tensor can't be written`);
}

/** A shape for ONNX's Reshape: 0 keeps the batch where it was first, −1 is found out. */
export function freeShape(from: Shape, to: Shape): number[] {
  return to.map((size, axis) => {
    if (size === BATCH) return axis === 0 && from[0] === BATCH ? 0 : -1;
    if (size % BATCH !== 0 || size === 0) return size;
    throw new ExportError('EXPORT_OP', `ONNX: a reshape mixes the batch with other axes`);
  });
}
