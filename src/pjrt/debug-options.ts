import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { readMessage } from '../base/index.ts';
import type { CompileOptions } from './compile-options.ts';
import type { Executable } from './executable.ts';
import type { LoadedExecutable } from './loaded-executable.ts';

/** Field numbers of `xla/service/hlo.proto` and `xla/xla.proto` of openxla/xla; those of a protobuf never change. */
const CONFIG = 2;
const DEBUG_OPTIONS = 14;
const EXTRA_OPTIONS = 500;
const ENTRY = { name: 1, value: 2 } as const;

/** A program that takes no time to compile. */
const NOTHING = 'module @nothing { func.func @main(%0: tensor<f32>) -> tensor<f32> { return %0 : tensor<f32> } }';

interface Compiler {
  compile(program: string, options: CompileOptions): Promise<LoadedExecutable>;
}

/**
 * A plugin's default DebugOptions, serialized: what a program's own ones have to begin with, as they stand in place of the defaults.
 * An optimised program says what it was compiled with.
 *
 * @returns undefined where the plugin doesn't tell.
 */
export async function askDebugOptions(compiler: Compiler): Promise<Uint8Array | undefined> {
  const executable = await compiler.compile(NOTHING, { replicas: 1 });
  try {
    return await debugOptionsOf(executable);
  } catch {
    return undefined;
  } finally {
    executable.destroy();
  }
}

/** The DebugOptions that a program was compiled with. */
export async function debugOptionsOf(executable: Executable): Promise<Uint8Array | undefined> {
  const { format, code } = await executable.optimizedProgram();
  return format === 'hlo_with_config' ? bytesAt(bytesAt(code, CONFIG), DEBUG_OPTIONS) : undefined;
}

/** The options with entries of `xla_backend_extra_options` added. */
export function withExtraOptions(debugOptions: Uint8Array, names: readonly string[]): Uint8Array {
  const added = new BinaryWriter();
  for (const name of names) {
    const entry = new BinaryWriter();
    entry.tag(ENTRY.name, WireType.LengthDelimited).string(name);
    entry.tag(ENTRY.value, WireType.LengthDelimited).string('');
    added.tag(EXTRA_OPTIONS, WireType.LengthDelimited).bytes(entry.finish());
  }
  return Buffer.concat([debugOptions, added.finish()]);
}

function bytesAt(message: Uint8Array | undefined, field: number): Uint8Array | undefined {
  let found: Uint8Array | undefined;
  if (message !== undefined) readMessage(message, { [field]: (reader) => (found = reader.bytes()) });
  return found;
}
