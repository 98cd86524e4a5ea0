import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { eachField, editField, readIntegers, readMessage } from '../../base/index.ts';

/*
 * Field numbers of `xla/service/cpu/executable.proto`, `xla/pjrt/proto` and `xla/service/hlo.proto` of openxla/xla; those of a
 * protobuf never change.
 */
const EXECUTABLE = 1;
const MODULE_WITH_CONFIG = 1;
const MODULE = 1;
const COMPUTATIONS = 3;
const COMPUTATION = { instructions: 2, id: 5 } as const;
const INSTRUCTION = { opcode: 2, fusionKind: 11, target: 28, called: 38 } as const;

/** What stands in the place of a fusion whose kernel is compiled. */
const OPCODE = 'custom-call';
const TARGET = 'sepal.compiled';

/** An instruction that runs other computations. */
interface Call {
  readonly isFusion: boolean;
  /** Whether all of it is machine code by now. A fusion of another kind is a description that a library is set up from. */
  readonly isCompiled: boolean;
  readonly called: readonly number[];
}

/**
 * A serialised program of XLA's CPU client without what its kernels were compiled from.
 *
 * Such a program has its kernels as machine code, the order in which they run, where their arrays lie, and the whole of the
 * optimised HLO besides. Loading parses and analyses the HLO, 36 µs an instruction, though of a fusion's body nothing is used once it is
 * compiled: three quarters of a training step's instructions. Each such fusion becomes a call without a body, of the same operands
 * and shape.
 *
 * @throws where the bytes are no protobuf.
 */
export function leanProgram(serialized: Uint8Array): Uint8Array {
  return editField(serialized, EXECUTABLE, (executable) =>
    editField(executable, MODULE_WITH_CONFIG, (module) => editField(module, MODULE, leanModule)),
  );
}

function leanModule(module: Uint8Array): Uint8Array {
  const calls = readCalls(module);
  const fused = new Set<number>();
  for (const { isFusion, called } of [...calls.values()].flat()) {
    if (isFusion) for (const id of called) fused.add(id);
  }
  const unused = new Set<number>();
  const drop = (id: number): void => {
    unused.add(id);
    // What a body reduces by may be shared with other computations, a fusion in it can't be.
    for (const { isFusion, called } of calls.get(id) ?? []) if (isFusion) called.forEach(drop);
  };
  for (const [id, inner] of calls) {
    if (fused.has(id)) continue;
    for (const { isCompiled, called } of inner) if (isCompiled) called.forEach(drop);
  }
  return editField(module, COMPUTATIONS, (computation) => {
    const id = readId(computation);
    if (unused.has(id)) return undefined;
    if (fused.has(id)) return computation;
    return editField(computation, COMPUTATION.instructions, leanInstruction);
  });
}

function leanInstruction(instruction: Uint8Array): Uint8Array {
  if (readCall(instruction)?.isCompiled !== true) return instruction;
  const writer = new BinaryWriter();
  const copy = (number: number, field: Uint8Array): void => {
    if (number !== INSTRUCTION.opcode && number !== INSTRUCTION.fusionKind && number !== INSTRUCTION.called) {
      writer.raw(field);
    }
  };
  eachField(instruction, copy);
  writer.tag(INSTRUCTION.opcode, WireType.LengthDelimited).string(OPCODE);
  return writer.tag(INSTRUCTION.target, WireType.LengthDelimited).string(TARGET).finish();
}

/** The calls in each computation, by the computation's id. */
function readCalls(module: Uint8Array): Map<number, Call[]> {
  const calls = new Map<number, Call[]>();
  eachField(module, (number, _, computation) => {
    if (number !== COMPUTATIONS || computation === undefined) return;
    const inner: Call[] = [];
    eachField(computation, (field, __, instruction) => {
      if (field !== COMPUTATION.instructions || instruction === undefined) return;
      const call = readCall(instruction);
      if (call !== undefined) inner.push(call);
    });
    calls.set(readId(computation), inner);
  });
  return calls;
}

function readCall(instruction: Uint8Array): Call | undefined {
  let opcode = '';
  let kind = '';
  const called: number[] = [];
  readMessage(instruction, {
    [INSTRUCTION.opcode]: (reader) => (opcode = reader.string()),
    [INSTRUCTION.fusionKind]: (reader) => (kind = reader.string()),
    [INSTRUCTION.called]: (reader, wireType) => readIntegers(reader, wireType, called),
  });
  if (called.length === 0) return undefined;
  const isFusion = opcode === 'fusion';
  return { isFusion, isCompiled: isFusion && kind === 'kLoop', called };
}

function readId(computation: Uint8Array): number {
  let id = 0;
  readMessage(computation, { [COMPUTATION.id]: (reader) => (id = Number(reader.int64())) });
  return id;
}
