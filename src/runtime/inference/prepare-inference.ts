import type { Client } from '../../pjrt/index.ts';
import {
  conv2d,
  elementCount,
  foldScales,
  joinInPlace,
  lowerToStableHlo,
  trace,
  withProducts,
  withShortcutsInPlace,
  withWinograd,
  type Graph,
} from '../../xla/index.ts';
import type { Backend } from '../backend.ts';
import { compilerOptions } from '../compiler-options.ts';
import type { PreparedGraph } from '../program.ts';

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

/**
 * The largest batch, in elements of its input, for which XLA's own matrix products are as fast as oneDNN: one picture of 256 px.
 *
 * A call of oneDNN takes 0.1 ms beside its work, and programs that call it are compiled by each process. From the start to the answer
 * for one picture of 192 px DenseNet121 took 3.3 s with oneDNN and takes 1.1 with XLA's products, EfficientNetB0 3.5 and 0.8, ResNet50 2.8
 * and 1.7. Then pictures one by one took EfficientNetB0 14 ms and take 10, DenseNet121 34 and 32, VGG16 98 and 91, ResNet50 38 and 42. Of
 * two pictures small networks take as long, others a tenth to a fifth longer; of one picture of 512 px EfficientNetB0
 * and ResNet50 a seventh, DenseNet121 a third to a half.
 */
const FEW = 256 * 256 * 3;
/**
 * Numbers of all batches, up to which oneDNN gains less than what its program takes to compile: of a hundred pictures of 192 px. Twenty
 * photos took `sepal predict` 3.9 s with DenseNet121 and take 2.2, with the program in the cache, 2.8 and 1.4 with EfficientNetB0; the first
 * time they take half a second to a second longer.
 */
const SOON_DONE = 100 * 192 * 192 * 3;

/**
 * A program that is never differentiated, with scales folded into kernels, in the form that its backend runs fastest.
 *
 * @param weights numbers of the parameters that are weights; the others are a batch.
 * @param calls how many batches there will be.
 */
export async function prepareInference(
  backend: Backend,
  graph: Graph,
  weights: ReadonlySet<number>,
  calls = Infinity,
): Promise<PreparedGraph> {
  const folded = foldScales(graph);
  const { platform } = backend;
  if (platform !== 'cpu') return { graph: folded, platform, compiler: compilerOptions(platform), serializable: true };
  const sizes = graph.parameters.flatMap(({ shape }, i) => (weights.has(i) ? [] : [elementCount(shape)]));
  const batch = Math.max(1, ...sizes);
  const isFew = batch <= FEW || batch * calls <= SOON_DONE;
  if (!isFew && !(await hasOneDnn(backend.client)))
    return { graph: folded, platform, compiler: {}, serializable: true };
  const shaped = joinInPlace(withWinograd(folded));
  if (isFew) return { graph: shaped, platform: 'cpu-few', compiler: compilerOptions('cpu-few'), serializable: true };
  // Serialising a program that calls oneDNN ends the process (`std::bad_alloc`), so each process compiles it anew.
  const inPlace = withShortcutsInPlace(withProducts(shaped));
  return { graph: inPlace, platform: 'cpu-onednn', compiler: ONEDNN, serializable: false };
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
