import type { Graph, Tensor } from '../ir.ts';
import { CPU_REWRITES } from './cpu.ts';
import { CPU_FEW_REWRITES } from './cpu-few.ts';
import { CPU_ONEDNN_REWRITES } from './cpu-onednn.ts';
import { tensorType } from './literal.ts';
import { rewrite, type RewriteTable } from './rewrite.ts';
import { writeStatement } from './statement.ts';
import { TPU_REWRITES } from './tpu.ts';
import { Writer } from './writer.ts';

/** Where a program will run; `cpu-onednn` is a CPU where XLA hands convolutions to oneDNN, `cpu-few` one where few pictures are predicted. */
export type Platform = 'cpu' | 'cpu-onednn' | 'cpu-few' | 'tpu' | 'cuda' | 'rocm';

/** XLA's choice for the plain ops is good on GPU, for what oneDNN does, and all but always on TPU; else on CPU it is often the slowest one. */
const REWRITES: Record<Platform, RewriteTable> = {
  cpu: CPU_REWRITES,
  'cpu-onednn': CPU_ONEDNN_REWRITES,
  'cpu-few': CPU_FEW_REWRITES,
  tpu: TPU_REWRITES,
  cuda: {},
  rocm: {},
};

/** How a program is written for a platform. */
export interface LowerOptions {
  /** Name of the module, which profilers show. */
  readonly name?: string;
  /** Ops are written as they are where no platform is given. */
  readonly platform?: Platform;
  /** How many replicas run the program; all-reduce goes over all of them. */
  readonly replicas?: number;
  /** Pairs of [parameter, output] that share memory: the parameter is used up by the call (donation). */
  readonly aliases?: ReadonlyMap<number, number>;
  /** Writes to each op the layer it belongs to, for those who read what a compiler makes of it. */
  readonly locations?: boolean;
}

/** A traced program as the text of a StableHLO module with one public function `@main`. */
export function lowerToStableHlo(traced: Graph, options: LowerOptions = {}): string {
  const { name = 'sepal', replicas = 1, aliases = new Map<number, number>() } = options;
  const graph = options.platform === undefined ? traced : rewrite(traced, REWRITES[options.platform]);
  const writer = new Writer(replicas, writeStatement, {
    locations: options.locations,
    keepsCalls: options.platform === 'cpu',
  });
  const bound = new Map<Tensor, string>(graph.parameters.map((parameter, i) => [parameter, `%arg${i}`]));
  const results = writer.graph(graph, bound);
  const parameters = graph.parameters.map((parameter, i) => {
    const alias = aliases.get(i);
    const attribute = alias === undefined ? '' : ` {tf.aliasing_output = ${alias} : i32}`;
    return `%arg${i}: ${tensorType(parameter)}${attribute}`;
  });
  const types = graph.outputs.map(tensorType);
  return [
    `module @${symbol(name)} attributes {mhlo.num_partitions = 1 : i32, mhlo.num_replicas = ${replicas} : i32} {`,
    `  func.func public @main(${parameters.join(', ')}) -> (${types.join(', ')}) {`,
    ...writer.lines.map((line) => `    ${line}`),
    results.length === 0 ? '    return' : `    return ${results.join(', ')} : ${types.join(', ')}`,
    '  }',
    ...writer.functions.flat().map((line) => `  ${line}`),
    '}',
    '',
  ].join('\n');
}

/** A name as MLIR writes it after `@`: in quotes where it is no plain identifier. */
const symbol = (name: string): string => (/^[A-Za-z_][\w$.]*$/.test(name) ? name : JSON.stringify(name));
