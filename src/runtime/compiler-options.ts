import type { CompileOptions } from '../pjrt/index.ts';
import type { Platform } from '../xla/index.ts';

/** What a compiler is told of a program besides its devices. */
export type CompilerOptions = Pick<CompileOptions, 'overrides' | 'extraOptions'>;

/** XLA's options for the programs of a platform, where its defaults are not the best. */
export const COMPILER_OPTIONS: { readonly [K in Platform]?: CompilerOptions } = {
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
  cpu: {
    overrides: {
      xla_cpu_enable_concurrency_optimized_scheduler: true,
      xla_cpu_experimental_ynn_fusion_type: 'LIBRARY_FUSION_TYPE_REDUCE',
    },
    extraOptions: ['xla_cpu_disable_loop_unrolling'],
  },
};
