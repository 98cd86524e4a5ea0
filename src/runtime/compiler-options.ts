import type { CompileOptions } from '../pjrt/index.ts';
import type { Platform } from '../xla/index.ts';

/** What a compiler is told of a program besides its devices. */
export type CompilerOptions = Pick<CompileOptions, 'overrides' | 'extraOptions'>;

/**
 * By default a GPU adds some numbers up in the order in which its threads come by. What is left takes the same order each time: a run
 * repeats bit for bit with the same seed on the same GPU, and a run that was interrupted equals one that wasn't.
 */
const GPU: CompilerOptions = { overrides: { xla_gpu_exclude_nondeterministic_ops: true } };

/** XLA's options for the programs of a platform, where its defaults are not the best. */
const OPTIONS: { readonly [K in Platform]?: CompilerOptions } = {
  // By default ops are put in an order that needs the least memory, and then share it so well that they must wait for each
  // other. The loops of kernels' gradients then keep one core busy while the rest idle: a step of ResNet50 takes 15 %
  // longer, of EfficientNetB0 20 %. The peak of memory is the same.
  //
  // By default convolutions and products go to YNNPACK too, not only sums. Without it a step is 3 to 8 % faster, and a program with
  // many products loads faster: each is a program of that library, which is built anew.
  //
  // LLVM unrolls loops by default: DenseNet121's program then takes a fifth longer to compile, and its steps, like those of six other
  // networks, as long as without. In inference kernels need it (EfficientNetB0's batch takes a fifth longer without), where other
  // options hold (`prepare-inference.ts`).
  //
  // By default vectors are of 256 bits where a processor has 512, as the first of those ran slower with them. Without it steps at batch
  // 16 took 1 to 5 % longer on a Xeon, in turn (by processor time 0 to 4 %); batches of 32, bound by memory, and predictions as long.
  //
  // By default the greater of two numbers is the first one where the second is NaN: a row's maximum and a pooled window lose it, and a
  // step that went wrong may end in a finite loss. GPUs and TPUs give NaN. Steps take as long; a batch of predictions 3 to 5 %
  // longer and one picture up to 37 % (MobileNetV2), so predictions stay as they are.
  cpu: {
    overrides: {
      xla_cpu_enable_fast_min_max: false,
      xla_cpu_enable_concurrency_optimized_scheduler: true,
      xla_cpu_experimental_ynn_fusion_type: 'LIBRARY_FUSION_TYPE_REDUCE',
      xla_cpu_prefer_vector_width: 512,
    },
    extraOptions: ['xla_cpu_disable_loop_unrolling'],
  },
  // What `cpu-few` has of reductions needs no library, and each call of YNNPACK is built anew in the first run.
  'cpu-few': { overrides: { xla_cpu_experimental_ynn_fusion_type: '' } },
  cuda: GPU,
  rocm: GPU,
};

/** What the compiler of a platform is told; what the user says in `XLA_FLAGS` stays as it is there. */
export function compilerOptions(platform: Platform, flags = process.env['XLA_FLAGS'] ?? ''): CompilerOptions {
  const { overrides = {}, ...rest } = OPTIONS[platform] ?? {};
  const said = new Set(flags.split(/\s+/).map((flag) => flag.replace(/^--/, '').replace(/=.*$/, '')));
  const left = Object.entries(overrides).filter(([name]) => !said.has(name));
  return left.length === 0 ? rest : { ...rest, overrides: Object.fromEntries(left) };
}
