import type { BinaryReader } from '@bufbuild/protobuf/wire';
import { readMessage } from '../../base/index.ts';

/*
 * Field numbers of `xla/service/cpu/executable.proto` and `xla/service/hlo.proto` of openxla/xla; those of a protobuf never change.
 */
const EXECUTABLE = 1;
const BUFFERS = 2;
const ALLOCATIONS = 3;
const ALLOCATION = { size: 2, isThreadLocal: 3, isParameter: 5, isOutput: 7, isConstant: 12 } as const;

/** Bytes on a device that a program's run needs. */
export interface ProgramMemory {
  /** Of intermediate results. */
  readonly bytes: number;
  /** Of arguments. */
  readonly given: number;
}

/** What a serialised program of XLA's CPU client needs; undefined where the bytes have another form. */
export function programMemory(serialized: Uint8Array): ProgramMemory | undefined {
  let bytes = 0;
  let given = 0;
  const add = (allocation: Uint8Array): void => {
    const { size, isParameter, isOther } = readAllocation(allocation);
    if (isParameter) given += size;
    else if (!isOther) bytes += size;
  };
  try {
    const buffers = { [ALLOCATIONS]: (reader: BinaryReader) => add(reader.bytes()) };
    const executable = { [BUFFERS]: (reader: BinaryReader) => readMessage(reader.bytes(), buffers) };
    readMessage(serialized, { [EXECUTABLE]: (reader) => readMessage(reader.bytes(), executable) });
  } catch {
    return undefined; // Not a protobuf, or none of this kind.
  }
  return bytes + given === 0 ? undefined : { bytes, given };
}

function readAllocation(allocation: Uint8Array) {
  let size = 0;
  let isParameter = false;
  let isOther = false;
  const other = (reader: BinaryReader): void => {
    isOther ||= reader.bool();
  };
  readMessage(allocation, {
    [ALLOCATION.size]: (reader) => (size = Number(reader.int64())),
    [ALLOCATION.isParameter]: (reader) => (isParameter = reader.bool()),
    [ALLOCATION.isThreadLocal]: other,
    [ALLOCATION.isOutput]: other,
    [ALLOCATION.isConstant]: other,
  });
  return { size, isParameter, isOther };
}
