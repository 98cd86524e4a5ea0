import type { CompiledProgram, Instruction } from './compiled-program.ts';

/** What a kernel mainly does. */
export const KERNEL_KINDS = ['convolution', 'product', 'pooling', 'reduction', 'elementwise', 'copy', 'other'] as const;
/** What a kernel does, by the instruction at its root. */
export type KernelKind = (typeof KERNEL_KINDS)[number];

/** Opcodes of each kind, the one that decides first. A kernel with none of them computes element by element. */
const OPCODES: readonly (readonly [KernelKind, readonly string[]])[] = [
  ['convolution', ['convolution']],
  ['product', ['dot']],
  ['pooling', ['reduce-window', 'select-and-scatter']],
  ['reduction', ['reduce', 'all-reduce']],
];

/** Opcodes that move numbers and compute none. */
const COPIES = new Set([
  'parameter', 'constant', 'copy', 'pad', 'slice', 'concatenate', 'transpose', 'reshape', 'bitcast', 'broadcast', 'reverse',
  'dynamic-slice', 'dynamic-update-slice', 'tuple', 'get-tuple-element', 'iota', 'fusion',
]); // prettier-ignore

/** What an instruction mainly does, by itself and in all that it runs. */
export function kernelKind({ computations }: CompiledProgram, instruction: Instruction): KernelKind {
  const opcodes = new Set<string>();
  const collect = ({ opcode, target, called }: Instruction): void => {
    opcodes.add(opcode === 'custom-call' ? calledKind(target) : opcode);
    for (const id of called) computations.get(id)?.instructions.forEach(collect);
  };
  collect(instruction);
  const found = OPCODES.find(([, names]) => names.some((name) => opcodes.has(name)));
  if (found !== undefined) return found[0];
  if (opcodes.has('custom-call')) return 'other';
  return [...opcodes].every((opcode) => COPIES.has(opcode)) ? 'copy' : 'elementwise';
}

/** The opcode that a library's function stands for. */
function calledKind(target: string): string {
  if (target.includes('conv')) return 'convolution';
  return target.includes('matmul') ? 'dot' : 'custom-call';
}
