import { createHash } from 'node:crypto';
import { SepalError } from '../base/index.ts';
import { compilerOptions, type Backend } from '../runtime/index.ts';
import {
  add,
  elementCount,
  hostArray,
  lowerToStableHlo,
  trace,
  type DType,
  type HostArray,
  type TensorType,
} from '../xla/index.ts';
import { readShape, type CompiledProgram, type Instruction } from './compiled-program.ts';
import { readDeviceTrace, type TracedKernel } from './device-trace.ts';
import { kernelProgram } from './kernel-program.ts';

/** A compiled program on the device. */
export type Executable = Awaited<ReturnType<Backend['client']['compile']>>;
type DeviceBuffer = Awaited<ReturnType<Backend['client']['bufferFromHost']>>;
type ElementType = Parameters<Backend['client']['bufferFromHost']>[1];

/** XLA's numbers of element types: their names in PJRT, and dtypes of the same size on the host. */
const ELEMENTS: Readonly<Record<number, readonly [ElementType, DType]>> = {
  1: ['pred', 'bool'],
  2: ['i8', 'int8'],
  4: ['i32', 'int32'],
  5: ['i64', 'int64'],
  6: ['u8', 'uint8'],
  8: ['u32', 'uint32'],
  9: ['u64', 'uint64'],
  10: ['f16', 'float16'],
  11: ['f32', 'float32'],
  12: ['f64', 'float64'],
  16: ['bf16', 'bfloat16'],
};

const FLOAT32 = 11;
/** Seconds below which a kernel's runs together are too few, up to three times those asked for. */
const SHORT = 0.01;

/** Compiles a kernel as it is: it has been through all of XLA's passes. */
const AS_IT_IS = { xla_disable_all_hlo_passes: true };

/** Compiles kernels, gives them arguments and times them. */
export class KernelBench {
  readonly #backend: Backend;
  readonly #repeats: number;
  /** What a launch takes whatever it launches; part of no kernel's time. */
  #launch: number | undefined;
  readonly #seconds = new Map<string, number>();
  /** Arguments by type; a kernel that reads several of one type gets as many. */
  readonly #buffers = new Map<string, DeviceBuffer[]>();

  constructor(backend: Backend, repeats: number) {
    this.#backend = backend;
    this.#repeats = repeats;
  }

  /** Times whole steps. What a step uses up is uploaded anew before the next one. */
  async timeStep(
    step: Executable,
    parameters: readonly TensorType[],
    donated: readonly number[],
  ): Promise<{ min: number; median: number }> {
    const upload = ({ shape, dtype }: TensorType) =>
      this.#upload(Number(Object.keys(ELEMENTS).find((key) => ELEMENTS[Number(key)][1] === dtype)), shape);
    const args = await Promise.all(parameters.map(upload));
    const seconds: number[] = [];
    for (let run = 0; run <= this.#repeats; run++) {
      const started = performance.now();
      const [results] = await step.execute([args]);
      if (run > 0) seconds.push((performance.now() - started) / 1000);
      for (const buffer of [...results, ...donated.map((i) => args[i])]) buffer.destroy();
      if (run < this.#repeats) for (const i of donated) args[i] = await upload(parameters[i]);
    }
    for (const [i, buffer] of args.entries()) if (!donated.includes(i)) buffer.destroy();
    const sorted = seconds.toSorted((a, b) => a - b);
    return { min: sorted[0], median: sorted[Math.floor(sorted.length / 2)] };
  }

  /** What the device recorded of whole steps; undefined where it can't. */
  async traceStep(
    step: Executable,
    parameters: readonly TensorType[],
    donated: readonly number[],
  ): Promise<{ steps: number; kernels: TracedKernel[] } | undefined> {
    const profiler = await this.#backend.plugin.startProfiler();
    if (profiler === undefined) return undefined;
    let space: Uint8Array;
    try {
      await this.timeStep(step, parameters, donated);
    } finally {
      space = await profiler.stop();
    }
    return { steps: this.#repeats + 1, kernels: readDeviceTrace(space) };
  }

  async timeKernel(program: CompiledProgram, instruction: Instruction): Promise<number> {
    const { code, parameters, key } = kernelProgram(program, instruction);
    const hash = createHash('sha256').update(key).digest('hex');
    const known = this.#seconds.get(hash);
    if (known !== undefined) return known;
    const { overrides, extraOptions } = compilerOptions(this.#backend.platform);
    const options = { replicas: 1, overrides: { ...overrides, ...AS_IT_IS }, extraOptions };
    const executable = await this.#backend.compile({ format: 'hlo', code }, options);
    try {
      this.#launch ??= await this.#timeLaunch();
      const whole = await this.#time(executable, await this.#arguments(parameters), this.#repeats);
      const seconds = Math.max(0, whole - this.#launch);
      this.#seconds.set(hash, seconds);
      return seconds;
    } finally {
      executable.destroy();
    }
  }

  /** Seconds of a program that adds two numbers. */
  async #timeLaunch(): Promise<number> {
    const number = { shape: [], dtype: 'float32' } as const;
    const text = lowerToStableHlo(trace([number], (x) => [add(x, x)]));
    const executable = await this.#backend.client.compile(text, { replicas: 1 });
    const argument = await this.#upload(FLOAT32, []);
    try {
      return await this.#time(executable, [argument], 20 + this.#repeats);
    } finally {
      argument.destroy();
      executable.destroy();
    }
  }

  async #time(executable: Executable, args: readonly DeviceBuffer[], repeats: number): Promise<number> {
    let best = Infinity;
    let total = 0;
    // Short ones are easily disturbed, and running them more often costs little.
    for (let run = 0; run <= repeats || (total < SHORT && run < 3 * repeats); run++) {
      const started = performance.now();
      const [results] = await executable.execute([args]);
      const seconds = (performance.now() - started) / 1000;
      if (run > 0) best = Math.min(best, seconds);
      total += seconds;
      for (const result of results) result.destroy();
    }
    return best;
  }

  async #arguments(parameters: readonly Instruction[]): Promise<DeviceBuffer[]> {
    const used = new Map<string, number>();
    const args: DeviceBuffer[] = [];
    for (const { shape } of parameters) {
      const { elementType, dimensions } = readShape(shape);
      const type = `${elementType}[${dimensions.join(',')}]`;
      const index = used.get(type) ?? 0;
      used.set(type, index + 1);
      const buffers = this.#buffers.get(type) ?? [];
      this.#buffers.set(type, buffers);
      buffers[index] ??= await this.#upload(elementType, dimensions);
      args.push(buffers[index]);
    }
    return args;
  }

  #upload(elementType: number, dimensions: readonly number[]): Promise<DeviceBuffer> {
    const known = ELEMENTS[elementType];
    if (known === undefined) throw new SepalError('NO_PROFILE', `element type ${elementType} of XLA is not known here`);
    const { client, devices } = this.#backend;
    return client.bufferFromHost(numbers(known[1], elementCount(dimensions)), known[0], dimensions, devices[0]);
  }

  dispose(): void {
    for (const buffers of this.#buffers.values()) for (const buffer of buffers) buffer.destroy();
  }
}

/** Random numbers from 0 to 1 for floats, 0 for all else. */
function numbers(dtype: DType, count: number): HostArray {
  const array = hostArray(dtype, count);
  if (dtype === 'float32' || dtype === 'float64') for (let i = 0; i < count; i++) array[i] = Math.random();
  return array;
}
