import { InternalError } from '../../base/index.ts';
import type { VariableSpec } from '../../nn/index.ts';
import { elementCount, type HostTensor, type Shape } from '../../xla/index.ts';
import type { Preprocess } from '../preprocess.ts';
import { transposeHost } from './stored-tensor.ts';

/** Where a file has a variable, and how it lies there. */
export interface Placement {
  /** The tensor's name in the file. */
  readonly name: string;
  readonly layout: Layout;
}

/** Places of all variables of a model in a file. */
export interface Placements {
  /** By the variable's path. Variables with none are zeros: the file's network does without them. */
  readonly of: ReadonlyMap<string, Placement | 'zeros'>;
  /** Whether a tensor of the file is of no use to the model. */
  readonly ignored: (name: string) => boolean;
}

/** How a network of other names differs from ours of the same family. */
export interface Origin {
  /** Whose names these are, for messages. */
  readonly name: string;
  readonly preprocess: Preprocess;
  /** Options of our family that make it the network of these weights. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** How a tensor lies in a file, from our shape's point of view. */
export interface Layout {
  /** Our shape before its axes go into the file's order; without it, the variable's own. */
  readonly unfolded?: Shape;
  /** Axis `i` of the file's tensor is our axis `order[i]`. */
  readonly order: readonly number[];
  /** The file's shape where it is not that of the axes in that order. */
  readonly shape?: Shape;
}

export const AS_IT_IS: Layout = { order: [] };

const unfold = (layout: Layout, shape: Shape): Shape => layout.unfolded ?? shape;
const isIdentity = ({ order }: Layout): boolean => order.length === 0;

/** The shape that a variable has in the file. */
export function fileShape(layout: Layout, shape: Shape): Shape {
  if (layout.shape !== undefined) return layout.shape;
  return isIdentity(layout) ? shape : layout.order.map((axis) => unfold(layout, shape)[axis]);
}

/** Which axis of the file's tensor is the last one of the variable: that of a layer's outputs. */
export function lastAxis(layout: Layout, shape: Shape): number {
  const last = unfold(layout, shape).length - 1;
  return isIdentity(layout) ? last : layout.order.indexOf(last);
}

/** A tensor of the file as the variable has it. */
export function fromFile(layout: Layout, tensor: HostTensor, shape: Shape): HostTensor {
  if (isIdentity(layout)) return tensor;
  const unfolded = unfold(layout, shape);
  const inFileOrder = layout.order.map((axis) => unfolded[axis]);
  const back = unfolded.map((_, axis) => layout.order.indexOf(axis));
  return { ...transposeHost({ ...tensor, shape: inFileOrder }, back), shape };
}

/** A variable as the file has it. */
export function toFile(layout: Layout, tensor: HostTensor): HostTensor {
  if (isIdentity(layout)) return tensor;
  const turned = transposeHost({ ...tensor, shape: unfold(layout, tensor.shape) }, layout.order);
  return { ...turned, shape: fileShape(layout, tensor.shape) };
}

/** PyTorch's layout of a variable: filters come first, then inputs, then height and width. */
export function torchLayout({ path, shape, role }: VariableSpec): Layout {
  if (role !== 'kernel') return AS_IT_IS;
  if (shape.length === 2) return { order: [1, 0] };
  if (shape.length !== 4) throw new InternalError(`${path} has a kernel of rank ${shape.length}`);
  // Depthwise: ours is [height, width, channels, 1], PyTorch's [channels, 1, height, width].
  return { order: shape[3] === 1 && shape[2] > 1 ? [2, 3, 0, 1] : [3, 2, 0, 1] };
}

/** A dense layer on a feature map in a row: channels come last in ours and first in PyTorch's. */
export function flattenedLayout({ shape: [inputs, units] }: VariableSpec, size: number, asConvolution = false): Layout {
  const channels = inputs / (size * size);
  return {
    unfolded: [size, size, channels, units],
    order: [3, 2, 0, 1],
    shape: asConvolution ? undefined : [units, elementCount([channels, size, size])],
  };
}
