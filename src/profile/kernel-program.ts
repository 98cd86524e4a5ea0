import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { fieldsOf, type CompiledProgram, type Instruction } from './compiled-program.ts';

/** One instruction of a compiled program as a program of its own. */
export interface KernelProgram {
  /** A serialised `HloModuleProto`. */
  readonly code: Uint8Array;
  /** Instructions whose results it takes as arguments. */
  readonly parameters: readonly Instruction[];
  /** Equal for instructions that do the same on arrays of the same shapes. */
  readonly key: string;
}

/** Instructions that do nothing when the program runs, and so are written along with what reads them. */
const FREE = new Set(['constant', 'tuple', 'iota']);

const { Varint: VARINT, LengthDelimited: BYTES } = WireType;

/** Takes an instruction of the entry computation, with all that it runs, out of a compiled program. */
export function kernelProgram(program: CompiledProgram, target: Instruction): KernelProgram {
  const { entryId, computations } = program;
  const entry = new Map(computations.get(entryId)!.instructions.map((each) => [each.id, each]));
  const body: Instruction[] = [];
  const parameters: Instruction[] = [];
  const seen = new Set<bigint>();
  const isFree = (each: Instruction): boolean =>
    FREE.has(each.opcode) || (each.opcode === 'get-tuple-element' && FREE.has(entry.get(each.operands[0])!.opcode));
  const visit = (id: bigint): void => {
    if (seen.has(id)) return;
    seen.add(id);
    const each = entry.get(id)!;
    if (id !== target.id && !isFree(each)) {
      parameters.push(each);
      return;
    }
    for (const operand of each.operands) visit(operand);
    body.push(each);
  };
  visit(target.id);

  const needed = new Set<bigint>();
  const need = (id: bigint): void => {
    if (needed.has(id)) return;
    needed.add(id);
    for (const each of computations.get(id)!.instructions) each.called.forEach(need);
  };
  for (const each of body) each.called.forEach(need);

  const signature = new BinaryWriter();
  for (const { shape } of parameters) signature.tag(1, BYTES).bytes(shape);
  signature.tag(2, BYTES).bytes(target.shape);
  for (const i of parameters.keys()) signature.tag(3, BYTES).string(`p${i}`);
  const types = signature.finish();
  const main = new BinaryWriter().tag(1, BYTES).string('main');
  // A parameter has the id of the instruction that it stands for, so what reads it stays as it is.
  for (const [i, { id, shape }] of parameters.entries()) {
    const parameter = new BinaryWriter().tag(1, BYTES).string(`p${i}`).tag(2, BYTES).string('parameter');
    parameter.tag(3, BYTES).bytes(shape).tag(9, VARINT).int64(i).tag(35, VARINT).int64(String(id));
    main.tag(2, BYTES).bytes(parameter.finish());
  }
  for (const { message } of body) main.tag(2, BYTES).bytes(message);
  main.tag(4, BYTES).bytes(types).tag(5, VARINT).int64(String(entryId)).tag(6, VARINT).int64(String(target.id));

  const module = new BinaryWriter().tag(1, BYTES).string('kernel').tag(2, BYTES).string('main');
  for (const [id, { message }] of computations) if (needed.has(id)) module.tag(3, BYTES).bytes(message);
  module.tag(3, BYTES).bytes(main.finish()).tag(4, BYTES).bytes(types).tag(5, VARINT).int64(1);
  module.tag(6, VARINT).int64(String(entryId));
  const inner = [...needed].flatMap((id) => computations.get(id)!.instructions);
  const key = [...parameters.map(({ shape }) => hex(shape)), '|', ...[...body, ...inner].map(describe)].join(' ');
  return { code: module.finish(), parameters, key };
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Name, source, id, operands, schedule and called computations: what differs between instructions that do the same. */
const PLACE = new Set([1, 7, 35, 36, 37, 38]);

function describe({ message }: Instruction): string {
  return fieldsOf(message)
    .filter(({ number }) => !PLACE.has(number))
    .map(({ number, bytes, value }) => `${number}:${bytes === undefined ? value : hex(bytes)}`)
    .join(',');
}
