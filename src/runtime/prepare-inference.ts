import type { Client } from '../pjrt/index.ts';
import { conv2d, foldScales, joinInPlace, lowerToStableHlo, trace, withWinograd, type Graph } from '../xla/index.ts';
import type { Backend } from './backend.ts';
import { compilerOptions } from './compiler-options.ts';
import type { PreparedGraph } from './program.ts';

/**
 * XLA's options for CPUs that make inference fast: convolutions and products go to oneDNN, which takes in the bias, the
 * shortcut and the activation behind them, and none to YNNPACK, which XLA prefers by default.
 *
 * ResNet50 at 192 px, batch 32: 0.98 s with XLA's defaults and our forms of ops, 0.84 without YNNPACK, 0.73 with oneDNN; the
 * plain CNN 0.43, 0.21 and 0.19; MobileNetV2, whose depthwise convolutions oneDNN takes as well, 0.20, 0.19 and 0.11. In training XLA's defaults are the faster ones.
 */
const ONEDNN = {
  overrides: { xla_cpu_experimental_ynn_fusion_type: '', xla_cpu_experimental_onednn_custom_call: true },
};

/** A program that is never differentiated, with scales folded into kernels, in the form that its backend runs fastest. */
export async function prepareInference(backend: Backend, graph: Graph): Promise<PreparedGraph> {
  const folded = foldScales(graph);
  const { platform } = backend;
  if (platform !== 'cpu') return { graph: folded, platform, compiler: compilerOptions(platform), serializable: true };
  if (!(await hasOneDnn(backend.client))) return { graph: folded, platform, compiler: {}, serializable: true };
  // Serialising a program that calls oneDNN ends the process (`std::bad_alloc`), so each process compiles it anew.
  return { graph: joinInPlace(withWinograd(folded)), platform: 'cpu-onednn', compiler: ONEDNN, serializable: false };
}

const answers = new WeakMap<Client, Promise<boolean>>();

/** Whether the plugin hands a convolution to oneDNN if asked: not all are built with it, and older ones know no such option. */
function hasOneDnn(client: Client): Promise<boolean> {
  const known = answers.get(client);
  if (known !== undefined) return known;
  const answer = asksOneDnn(client).catch(() => false);
  answers.set(client, answer);
  return answer;
}

async function asksOneDnn(client: Client): Promise<boolean> {
  const image = { shape: [1, 8, 8, 16], dtype: 'float32' } as const;
  const kernel = { shape: [3, 3, 16, 16], dtype: 'float32' } as const;
  const text = lowerToStableHlo(trace([image, kernel], (x, weights) => [conv2d(x, weights)]));
  const executable = await client.compile(text, { replicas: 1, ...ONEDNN });
  try {
    const { code } = await executable.optimizedProgram();
    return Buffer.from(code).includes('__onednn$conv');
  } finally {
    executable.destroy();
  }
}
