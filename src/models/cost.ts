import { applyNetwork } from '../nn/index.ts';
import { countFlops, trace } from '../xla/index.ts';
import type { Model } from './registry.ts';

/** Floating-point operations of the forward pass of one image, a multiply-add counted as two. */
export function forwardFlops({ network, variables, size }: Model): number {
  const image = { shape: [1, size.height, size.width, 3], dtype: 'float32' } as const;
  const graph = trace([image, ...variables], (pixels, ...tensors) => {
    const values = Object.fromEntries(variables.map(({ path }, i) => [path, tensors[i]]));
    return [applyNetwork(network, values, pixels, { training: false }).output];
  });
  return countFlops(graph);
}
