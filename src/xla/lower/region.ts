import { highest, isFloat, lowest, type DType } from '../dtype.ts';
import type { Node, Padding, ReduceKind, Tensor, TensorType, WindowParams } from '../ir.ts';
import { array, compareType, signature, tensorType } from './literal.ts';
import type { Writer } from './writer.ts';

/** StableHLO's op of each reduction and the value it starts from. */
export const REDUCTIONS: Record<ReduceKind, { op: string; start: (dtype: DType) => number }> = {
  sum: { op: 'add', start: () => 0 },
  max: { op: 'maximum', start: lowest },
  min: { op: 'minimum', start: highest },
  and: { op: 'and', start: () => 1 },
  or: { op: 'or', start: () => 0 },
};

/** A region `{ ^bb0(a, b): return a op b }`. */
export function writeCombiner(w: Writer, op: string, dtype: DType): void {
  const type = tensorType({ shape: [], dtype });
  const [a, b, result] = [w.fresh(), w.fresh(), w.fresh()];
  w.line('{');
  w.line(`^bb0(${a}: ${type}, ${b}: ${type}):`);
  w.line(`  ${result} = stablehlo.${op} ${a}, ${b} : ${type}`);
  w.line(`  stablehlo.return ${result} : ${type}`);
  w.line('}');
}

const pairs = (padding: readonly Padding[]): string => padding.map(([low, high]) => `[${low}, ${high}]`).join(', ');

export function writeWindow(node: Node<'windowSum'> | Node<'windowMax'>, w: Writer, kind: ReduceKind): void {
  const [x] = node.inputs;
  const { op, start } = REDUCTIONS[kind];
  const init = w.scalar(start(x.dtype), x.dtype);
  w.assign(node, `"stablehlo.reduce_window"(${w.nameOf(x)}, ${init}) <{${windowAttributes(node.params)}}> (`);
  writeCombiner(w, op, x.dtype);
  w.line(`) : ${signature(node, [x, { shape: [], dtype: x.dtype }])}`);
}

function windowAttributes({ window, strides, padding }: WindowParams): string {
  const pads = `padding = dense<[${pairs(padding)}]> : tensor<${padding.length}x2xi64>`;
  return `window_dimensions = ${array(window)}, window_strides = ${array(strides)}, ${pads}`;
}

export function writeSelectAndScatter(node: Node<'windowMaxGradient'>, w: Writer): void {
  const [x, gradient] = node.inputs;
  const type = tensorType({ shape: [], dtype: x.dtype });
  const zero = w.scalar(0, x.dtype);
  const [a, b, result] = [w.fresh(), w.fresh(), w.fresh()];
  w.assign(
    node,
    `"stablehlo.select_and_scatter"(${w.namesOf([x, gradient])}, ${zero}) <{${windowAttributes(node.params)}}> ({`,
  );
  w.line(`^bb0(${a}: ${type}, ${b}: ${type}):`);
  w.line(`  ${result} = stablehlo.compare GE, ${a}, ${b}, ${compareType(x.dtype)} : (${type}, ${type}) -> tensor<i1>`);
  w.line(`  stablehlo.return ${result} : tensor<i1>`);
  w.line('}, ');
  writeCombiner(w, 'add', x.dtype);
  w.line(`) : ${signature(node, [x, gradient, { shape: [], dtype: x.dtype }])}`);
}

/** A reduction of (value, index) pairs: the greater value wins, NaN above all, and the lower index where values are equal. */
export function writeArgmax(node: Node<'argmax'>, w: Writer): void {
  const [x] = node.inputs;
  const index: TensorType = { shape: x.shape, dtype: 'int32' };
  const output = node.outputs[0];
  const value = tensorType({ shape: [], dtype: x.dtype });
  const indices = w.fresh();
  w.line(`${indices} = stablehlo.iota dim = ${node.params.axis} : ${tensorType(index)}`);
  const starts = [w.scalar(lowest(x.dtype), x.dtype), w.scalar(0, 'int32')];
  const both = w.fresh();
  const [a, i, b, j] = [w.fresh(), w.fresh(), w.fresh(), w.fresh()];
  const [above, same, before, tie, pick, winner, place] = Array.from({ length: 7 }, () => w.fresh());
  const kind = compareType(x.dtype);
  w.line(
    `${both}:2 = "stablehlo.reduce"(${w.nameOf(x)}, ${indices}, ${starts.join(', ')}) <{dimensions = ${array([node.params.axis])}}> ({`,
  );
  w.line(`^bb0(${a}: ${value}, ${i}: tensor<i32>, ${b}: ${value}, ${j}: tensor<i32>):`);
  w.line(`  ${above} = stablehlo.compare GT, ${a}, ${b}, ${kind} : (${value}, ${value}) -> tensor<i1>`);
  w.line(`  ${same} = stablehlo.compare EQ, ${a}, ${b}, ${kind} : (${value}, ${value}) -> tensor<i1>`);
  const { greater, equal } = isFloat(x.dtype)
    ? withNans(w, value, { a, b, above, same })
    : { greater: above, equal: same };
  w.line(`  ${before} = stablehlo.compare LT, ${i}, ${j}, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>`);
  w.line(`  ${tie} = stablehlo.and ${equal}, ${before} : tensor<i1>`);
  w.line(`  ${pick} = stablehlo.or ${greater}, ${tie} : tensor<i1>`);
  w.line(`  ${winner} = stablehlo.select ${pick}, ${a}, ${b} : tensor<i1>, ${value}`);
  w.line(`  ${place} = stablehlo.select ${pick}, ${i}, ${j} : tensor<i1>, tensor<i32>`);
  w.line(`  stablehlo.return ${winner}, ${place} : ${value}, tensor<i32>`);
  const results = `(${tensorType({ shape: output.shape, dtype: x.dtype })}, ${tensorType(output)})`;
  w.line(`}) : (${tensorType(x)}, ${tensorType(index)}, ${value}, tensor<i32>) -> ${results}`);
  w.bind(node, 0, `${both}#1`);
}

/** What `above` and `same` say of two floats, completed for NaN, which both call false: it is greater than any number, and equal to itself. */
function withNans(
  w: Writer,
  type: string,
  { a, b, above, same }: Readonly<Record<'a' | 'b' | 'above' | 'same', string>>,
): { greater: string; equal: string } {
  const isNan = (x: string) => w.value(`  stablehlo.compare NE, ${x}, ${x}, FLOAT : (${type}, ${type}) -> tensor<i1>`);
  const logic = (op: 'and' | 'or', x: string, y: string) => w.value(`  stablehlo.${op} ${x}, ${y} : tensor<i1>`);
  const [first, second] = [isNan(a), isNan(b)];
  const other = w.value(`  stablehlo.not ${second} : tensor<i1>`);
  return {
    greater: logic('or', above, logic('and', first, other)),
    equal: logic('or', same, logic('and', first, second)),
  };
}

/** Captured tensors are carried along unchanged: a region of a compiled loop can't read from outside. */
export function writeWhile(node: Node<'while'>, w: Writer): void {
  const { condition, body, state } = node.params;
  const types = node.inputs.map(tensorType);
  const all = w.fresh();
  w.line(`${all}:${types.length} = "stablehlo.while"(${w.namesOf(node.inputs)}) ({`);
  for (const region of [condition, body]) {
    const names = types.map(() => w.fresh());
    w.line(`^bb0(${names.map((name, i) => `${name}: ${types[i]}`).join(', ')}):`);
    const bound = new Map<Tensor, string>();
    for (const [i, parameter] of region.parameters.entries()) bound.set(parameter, names[i]);
    for (const [i, capture] of node.inputs.entries()) if (i >= state) bound.set(capture, names[i]);
    const results = w.graph(region, bound);
    const carried = region === body ? [...results, ...names.slice(state)] : results;
    const resultTypes = region === body ? types : ['tensor<i1>'];
    w.line(`  stablehlo.return ${carried.join(', ')} : ${resultTypes.join(', ')}`);
    w.line(region === body ? '})' : '}, {');
  }
  w.line(` : (${types.join(', ')}) -> (${types.join(', ')})`);
  for (const i of node.outputs.keys()) w.bind(node, i, `${all}#${i}`);
}
