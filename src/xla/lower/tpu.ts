import { optimizationBarrier } from '../control.ts';
import { emitAll } from '../emit.ts';
import { isOp, type Node, type OpName, type Tensor } from '../ir.ts';
import { replaceNodes, type Rewrite, type RewriteTable } from './rewrite.ts';

/** Ops that cost next to nothing to do again. */
const CHEAP: ReadonlySet<OpName> = new Set<OpName>([
  'constant',
  'broadcast',
  'convert',
  'add',
  'subtract',
  'multiply',
  'divide',
  'reverse',
  'reshape',
  'transpose',
  'pad',
]);

/**
 * Scales the pixels again for the gradient of a network's first kernel. What the first convolution was given would otherwise be kept
 * from the beginning of a step to its end, in a layout that fills a TPU's tiles of 128 with three channels: 38 MB of 16 images
 * of 192 px, which came as 1.8 MB of bytes.
 */
const kernelGradientOfPixels: Rewrite<'convKernelGradient'> = (params, [x, gradient]) => {
  const sources = cheaplyMadeOf(x);
  if (sources === undefined || isOp(x.node, 'parameter')) return undefined;
  // Behind the barrier with the gradient, it can't be done before the gradient is there, nor be taken for the first time.
  const [held, ...again] = optimizationBarrier([gradient, ...sources]);
  const made = new Map(sources.map((source, i) => [source.node, [again[i]]]));
  const pixels = replaceNodes({ parameters: [], outputs: [x], captures: [] }, (node) => made.get(node)).outputs[0];
  return emitAll('convKernelGradient', params, [pixels, held]);
};

/** The program's parameters that cheap ops make a tensor of; undefined where it takes more than those. */
function cheaplyMadeOf(x: Tensor): Tensor[] | undefined {
  const sources = new Map<Node, Tensor>();
  const seen = new Set<Node>();
  const waiting = [x];
  for (let tensor = waiting.pop(); tensor !== undefined; tensor = waiting.pop()) {
    const { node } = tensor;
    if (seen.has(node)) continue;
    seen.add(node);
    if (isOp(node, 'parameter')) sources.set(node, tensor);
    else if (CHEAP.has(node.op)) waiting.push(...node.inputs);
    else return undefined;
  }
  return [...sources.values()];
}

/** Other forms of ops for TPUs, where libtpu's compiler makes less of the plain op. */
export const TPU_REWRITES: RewriteTable = { convKernelGradient: kernelGradientOfPixels };
