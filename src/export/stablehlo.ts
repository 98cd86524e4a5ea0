import type { ExportedModel } from '../models/index.ts';
import { preprocessWhole } from '../models/index.ts';
import { applyNetwork } from '../nn/index.ts';
import { convert, formatShape, lowerToStableHlo, mul, softmax, trace } from '../xla/index.ts';

/**
 * The inference program of a model as StableHLO text, in plain ops, for a fixed batch.
 *
 * `@main` takes uint8 images [batch, height, width, 3] and then every variable; a comment for each says which it is. It gives
 * logits and probabilities, which are at the run's temperature. The numbers are those of the run's checkpoint, under the same names.
 */
export function stableHloText({ model, preprocess: pixels, temperature = 1 }: ExportedModel, batch = 1): string {
  const { variables, network, size, name } = model;
  const images = { name: 'images', shape: [batch, size.height, size.width, 3], dtype: 'uint8' } as const;
  const graph = trace([images, ...variables], (input, ...tensors) => {
    const byPath = Object.fromEntries(variables.map(({ path }, i) => [path, tensors[i]]));
    const { output } = applyNetwork(network, byPath, preprocessWhole(input, pixels), { training: false });
    const logits = convert(output, 'float32');
    return [logits, softmax(temperature === 1 ? logits : mul(logits, 1 / temperature))];
  });
  const describe = (i: number, what: string, shape: readonly number[], dtype: string) =>
    `// %arg${i}  ${what}  ${dtype}${formatShape(shape)}`;
  const header = [
    `// ${name}: inference with preprocessing inside. Results: logits, probabilities.`,
    describe(0, 'images, RGB 0..255', images.shape, images.dtype),
    ...variables.map(({ path, shape, dtype }, i) => describe(i + 1, path, shape, dtype)),
  ];
  return `${header.join('\n')}\n${lowerToStableHlo(graph, { name: `${name}_inference` })}`;
}
