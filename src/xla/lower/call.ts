import type { Node, Tensor } from '../ir.ts';
import { signature, tensorType } from './literal.ts';
import type { Writer } from './writer.ts';

/**
 * Makes XLA's CPU compiler keep a call, and write all that is called as one kernel: what it does itself with loops over a few
 * numbers. Other compilers don't read the second name.
 */
const ONE_KERNEL = '{mhlo.frontend_attributes = {inlineable = "false", xla_cpu_small_call = "true"}}';

/** A function of its own for the body of a call, or the body in place of the call. */
export function writeCall(node: Node<'call'>, w: Writer): void {
  const { body } = node.params;
  if (!w.keepsCalls) {
    const inline = new Map<Tensor, string>(node.inputs.map((input) => [input, w.nameOf(input)]));
    for (const [i, name] of w.graph(body, inline).entries()) w.bind(node, i, name);
    return;
  }
  const name = `part${w.functions.length}`;
  const parameters = node.inputs.map((input) => ({ name: w.fresh(), type: tensorType(input) }));
  const bound = new Map<Tensor, string>(node.inputs.map((input, i) => [input, parameters[i].name]));
  const start = w.lines.length;
  // What is one kernel inside of another is part of that.
  w.keepsCalls = false;
  const results = w.graph(body, bound);
  w.keepsCalls = true;
  const lines = w.lines.splice(start);
  const types = node.outputs.map(tensorType).join(', ');
  w.functions.push([
    `func.func private @${name}(${parameters.map((each) => `${each.name}: ${each.type}`).join(', ')}) -> (${types}) {`,
    ...lines.map((line) => `  ${line}`),
    `  return ${results.join(', ')} : ${types}`,
    '}',
  ]);
  w.assign(node, `func.call @${name}(${w.namesOf(node.inputs)}) ${ONE_KERNEL} : ${signature(node)}`);
}
