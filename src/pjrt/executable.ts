import type { Api } from './api.ts';
import { elementTypeOf, type ElementType } from './element-type.ts';
import { nativeFunction, readBytes, readWords, type Pointer } from './ffi.ts';
import { PROGRAM } from './functions.ts';
import { NativeObject } from './native-object.ts';
import { readNamedValues } from './named-value.ts';
import type { FormattedProgram } from './program.ts';

/** Bytes on one device, as the compiler plans them. */
export interface CompiledMemoryStats {
  /** The most memory in use at one time; undefined where the plugin doesn't say. */
  readonly peak: number | undefined;
  readonly temp: number;
  readonly argument: number;
  readonly output: number;
  /** How much of the arguments is reused for the outputs, by donation. */
  readonly alias: number;
  readonly generatedCode: number;
}

/** What the compiler made of a program, in a format of its own: `hlo`, `hlo_with_config` (protobufs) or `mlir`. */
export type OptimizedProgram = FormattedProgram;

/** A compiled program. One compiled for a topology can be examined and serialized, but not run. */
export class Executable extends NativeObject {
  readonly name: string;
  readonly replicas: number;
  readonly partitions: number;
  readonly numOutputs: number;
  readonly outputTypes: readonly ElementType[];
  readonly outputShapes: readonly (readonly number[])[];
  protected readonly api: Api;

  constructor(api: Api, executable: Pointer) {
    super(executable);
    const argument = { executable };
    this.api = api;
    this.name = api.call('Executable_Name', argument).executable_name;
    this.replicas = api.call('Executable_NumReplicas', argument).num_replicas;
    this.partitions = api.call('Executable_NumPartitions', argument).num_partitions;
    this.numOutputs = api.call('Executable_NumOutputs', argument).num_outputs;
    const types = api.call('Executable_OutputElementTypes', argument);
    const numbers = new Int32Array(readBytes(types.output_types, types.num_output_types * 4).buffer);
    this.outputTypes = Array.from(numbers, elementTypeOf);
    const shapes = api.call('Executable_OutputDimensions', { executable, num_outputs: this.numOutputs });
    const ranks = Array.from(readWords(shapes.dim_sizes, this.numOutputs), Number);
    const sizes = Array.from(
      readWords(
        shapes.dims,
        ranks.reduce((sum, rank) => sum + rank, 0),
      ),
      Number,
    );
    let next = 0;
    this.outputShapes = ranks.map((rank) => sizes.slice(next, (next += rank)));
  }

  /**
   * The program in a form that the same plugin on the same kind of device can load. A CPU program holds machine code for
   * this machine's instruction set.
   */
  async serialize(): Promise<Uint8Array<ArrayBuffer>> {
    return this.use(async (executable) => {
      const out = await this.api.callAsync('Executable_Serialize', { executable });
      try {
        return readBytes(out.serialized_bytes, out.serialized_bytes_size);
      } finally {
        nativeFunction(out.serialized_executable_deleter).call(out.serialized_executable);
      }
    });
  }

  /** The compiler's estimates for one run, such as `flops`, `bytes accessed` and `optimal_seconds`. */
  costAnalysis(): Record<string, number> {
    const out = this.api.call('Executable_GetCostAnalysis', { executable: this.handle });
    const values = Object.entries(readNamedValues(out.properties, out.num_properties));
    return Object.fromEntries(values.map(([name, value]) => [name, Number(value)]));
  }

  /** Bytes that the compiled program takes on one device. */
  memoryStats(): CompiledMemoryStats {
    const stats = this.api.call('Executable_GetCompiledMemoryStats', { executable: this.handle });
    return {
      peak: this.api.version.minor >= 72 ? stats.peak_memory_in_bytes : undefined,
      temp: stats.temp_size_in_bytes,
      argument: stats.argument_size_in_bytes,
      output: stats.output_size_in_bytes,
      alias: stats.alias_size_in_bytes,
      generatedCode: stats.generated_code_size_in_bytes,
    };
  }

  /** The program after all of the compiler's passes, for people who read HLO. */
  async optimizedProgram(): Promise<OptimizedProgram> {
    return this.use(async (executable) => {
      const program = PROGRAM.create(this.api.version.minor).write({});
      await this.api.callAsync('Executable_OptimizedProgram', { executable, program });
      const { code_size: size, format } = program.read();
      const code = new Uint8Array(size);
      program.write({ code, code_size: size });
      await this.api.callAsync('Executable_OptimizedProgram', { executable, program });
      return { format, code };
    });
  }

  /** A hash of the program and of how it was compiled. */
  fingerprint(): string {
    return this.api.call('Executable_Fingerprint', { executable: this.handle }).executable_fingerprint;
  }

  override toString(): string {
    return `the program ${this.name}`;
  }

  protected override free(executable: Pointer): void {
    this.api.call('Executable_Destroy', { executable });
  }
}
