import { dilatedSize } from '../infer-window.ts';
import type { ConvParams, Node, TensorType } from '../ir.ts';
import type { Shape } from '../shape.ts';
import { list, tensorType } from './literal.ts';
import type { Writer } from './writer.ts';

interface ConvStatement {
  readonly left: string;
  readonly leftType: TensorType;
  readonly right: string;
  readonly rightType: TensorType;
  readonly output: TensorType;
  /** Dimension numbers in StableHLO's notation, with the spatial axes as `…`. */
  readonly dims: string;
  readonly strides: readonly number[];
  readonly padding: readonly (readonly [number, number])[];
  readonly leftDilation: readonly number[];
  readonly rightDilation: readonly number[];
  readonly featureGroups?: number;
  readonly batchGroups?: number;
}

/**
 * A convolution's text. Padding that cuts at one end and adds at another is an op of its own: where it cuts as much as it adds, or more,
 * XLA's convolution on CPUs takes it for none and reads beyond its input.
 */
function convolutionText(w: Writer, s: ConvStatement): string {
  const sizes = s.padding.flat();
  const isMixed = sizes.some((size) => size < 0) && sizes.some((size) => size > 0);
  return plainConvolutionText(isMixed ? padded(s, w) : s);
}

/** The same statement over an input with its padding, and gaps, in place. */
function padded(s: ConvStatement, w: Writer): ConvStatement {
  const { shape, dtype } = s.leftType;
  // The spatial axes lie between the first and the last one in all three forms.
  const low = [0, ...s.padding.map(([before]) => before), 0];
  const high = [0, ...s.padding.map(([, after]) => after), 0];
  const interior = [0, ...s.leftDilation.map((step) => step - 1), 0];
  const wide = shape.map((size, i) => low[i] + size + (size - 1) * interior[i] + high[i]);
  const leftType = { shape: wide, dtype };
  const types = `(${tensorType(s.leftType)}, ${tensorType({ shape: [], dtype })}) -> ${tensorType(leftType)}`;
  const edges = `low = ${list(low)}, high = ${list(high)}, interior = ${list(interior)}`;
  const left = w.value(`stablehlo.pad ${s.left}, ${w.scalar(0, dtype)}, ${edges} : ${types}`);
  const none = s.padding.map(() => [0, 0] as const);
  return { ...s, left, leftType, padding: none, leftDilation: s.leftDilation.map(() => 1) };
}

function plainConvolutionText(s: ConvStatement): string {
  const axes = s.strides.map((_, i) => i).join(', ');
  const pads = `[${s.padding.map(([low, high]) => `[${low}, ${high}]`).join(', ')}]`;
  const window = `stride = ${list(s.strides)}, pad = ${pads}, lhs_dilate = ${list(s.leftDilation)}, rhs_dilate = ${list(s.rightDilation)}`;
  const groups = `batch_group_count = ${s.batchGroups ?? 1} : i64, feature_group_count = ${s.featureGroups ?? 1} : i64`;
  const types = `(${tensorType(s.leftType)}, ${tensorType(s.rightType)}) -> ${tensorType(s.output)}`;
  return `stablehlo.convolution(${s.left}, ${s.right}) dim_numbers = ${s.dims.replaceAll('…', axes)}, window = {${window}} {${groups}} : ${types}`;
}

const ones = (params: ConvParams): number[] => params.strides.map(() => 1);

export function writeConv(node: Node<'conv'>, w: Writer): void {
  const [x, kernel] = node.inputs;
  const { strides, padding, dilation, groups } = node.params;
  const statement = convolutionText(w, {
    left: w.nameOf(x),
    leftType: x,
    right: w.nameOf(kernel),
    rightType: kernel,
    output: node.outputs[0],
    dims: '[b, …, f]x[…, i, o]->[b, …, f]',
    strides,
    padding,
    leftDilation: ones(node.params),
    rightDilation: dilation,
    featureGroups: groups,
  });
  w.assign(node, statement);
}

/** Every output gradient spread through the flipped kernel: a stride-1 convolution over the gradient with gaps. */
export function writeConvInputGradient(node: Node<'convInputGradient'>, w: Writer): void {
  const [gradient, kernel] = node.inputs;
  const { strides, padding, dilation, groups, inputShape } = node.params;
  const spatial = strides.map((_, i) => i);
  const flipped = w.value(`stablehlo.reverse ${w.nameOf(kernel)}, dims = ${list(spatial)} : ${tensorType(kernel)}`);
  const { name, type } = groupsToInputs(flipped, kernel, groups, w);
  const statement = convolutionText(w, {
    left: w.nameOf(gradient),
    leftType: gradient,
    right: name,
    rightType: type,
    output: node.outputs[0],
    dims: '[b, …, f]x[…, o, i]->[b, …, f]',
    strides: ones(node.params),
    padding: spatial.map((i) => {
      const window = dilatedSize(type.shape[i], dilation[i]);
      const spread = (gradient.shape[i + 1] - 1) * strides[i] + 1;
      const low = window - 1 - padding[i][0];
      return [low, inputShape[i + 1] + window - 1 - spread - low] as const;
    }),
    leftDilation: strides,
    rightDilation: dilation,
    featureGroups: groups,
  });
  w.assign(node, statement);
}

/**
 * A kernel [spatial…, C / groups, outputs] as [spatial…, C, outputs / groups]: for the gradient of a grouped convolution
 * the groups, which divide the outputs, must divide the inputs.
 */
function groupsToInputs(
  name: string,
  kernel: TensorType,
  groups: number,
  w: Writer,
): { name: string; type: TensorType } {
  if (groups === 1) return { name, type: kernel };
  const { shape, dtype } = kernel;
  const spatial = shape.slice(0, -2);
  const [inputs, outputs] = shape.slice(-2);
  const step = (from: string, op: string, before: Shape, after: Shape, attributes = '') => {
    const types = `(${tensorType({ shape: before, dtype })}) -> ${tensorType({ shape: after, dtype })}`;
    return w.value(`stablehlo.${op} ${from}${attributes} : ${types}`);
  };
  const split = [...spatial, inputs, groups, outputs / groups];
  const moved = [...spatial, groups, inputs, outputs / groups];
  const merged = [...spatial, groups * inputs, outputs / groups];
  const rank = spatial.length;
  const permutation = [...spatial.map((_, i) => i), rank + 1, rank, rank + 2];
  const first = step(name, 'reshape', shape, split);
  const second = step(first, 'transpose', split, moved, `, dims = ${list(permutation)}`);
  return { name: step(second, 'reshape', moved, merged), type: { shape: merged, dtype } };
}

/** The input correlated with the output gradient: channels act as the batch and the batch as channels. */
export function writeConvKernelGradient(node: Node<'convKernelGradient'>, w: Writer): void {
  const [x, gradient] = node.inputs;
  const { strides, padding, dilation, groups, kernelShape } = node.params;
  const statement = convolutionText(w, {
    left: w.nameOf(x),
    leftType: x,
    right: w.nameOf(gradient),
    rightType: gradient,
    output: node.outputs[0],
    dims: '[f, …, b]x[i, …, o]->[…, b, f]',
    strides: dilation,
    padding: strides.map((stride, i) => {
      const spread = (gradient.shape[i + 1] - 1) * stride + 1;
      const window = dilatedSize(kernelShape[i], dilation[i]);
      const low = padding[i][0];
      return [low, spread + window - 1 - x.shape[i + 1] - low] as const;
    }),
    leftDilation: ones(node.params),
    rightDilation: strides,
    batchGroups: groups,
  });
  w.assign(node, statement);
}
