import { lowerToStableHlo, sameShape, type Graph, type Platform } from '../xla/index.ts';

/** How a program is written as text. */
export interface TextOptions {
  readonly name?: string;
  readonly replicas: number;
  /** Whose rewrites of ops are used. */
  readonly platform: Platform;
  /** Parameters whose memory the outputs take over. */
  readonly donate?: readonly number[];
  /** Writes to each op the layer it belongs to; compilers make the same of it. */
  readonly locations?: boolean;
}

/** A traced program as StableHLO: the text that is compiled, for devices that are here or for a TPU that is not. */
export function programText(graph: Graph, { donate = [], ...options }: TextOptions): string {
  return lowerToStableHlo(graph, { ...options, aliases: pairDonations(graph, donate) });
}

/** For each donated parameter the first output of its type that no other one took. */
function pairDonations(graph: Graph, donate: readonly number[]): Map<number, number> {
  const pairs = new Map<number, number>();
  const taken = new Set<number>();
  for (const parameter of donate) {
    const { shape, dtype } = graph.parameters[parameter];
    const output = graph.outputs.findIndex(
      (out, i) => !taken.has(i) && out.dtype === dtype && sameShape(out.shape, shape),
    );
    if (output === -1) continue;
    taken.add(output);
    pairs.set(parameter, output);
  }
  return pairs;
}
