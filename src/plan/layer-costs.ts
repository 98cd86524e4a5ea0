import { bytesOf, type HloEntry, type HloInstruction } from './hlo.ts';

/** What a layer takes of a step: its share of the time, and of the memory at the moment when most is in use. */
export interface LayerCost {
  readonly layer: string;
  readonly cycles: number;
  readonly bytes: number;
}

export interface ProgramProfile {
  /** Cycles of the whole program, as its schedule adds up. */
  readonly cycles: number;
  /** Temporary bytes at the fullest moment, as its schedule adds up. */
  readonly bytes: number;
  /** Every layer, most cycles first. */
  readonly layers: readonly LayerCost[];
}

/** Adds up a scheduled program by layer. */
export function profile(entry: HloEntry): ProgramProfile {
  const cycles = new Map<string, number>();
  const bytes = new Map<string, number>();
  const add = (sums: Map<string, number>, layer: string, value: number) => {
    if (value > 0) sums.set(layer, (sums.get(layer) ?? 0) + value);
  };
  for (const instruction of entry.instructions) add(cycles, layerOf(instruction), instruction.cycles);
  for (const { layer, size } of aliveAtPeak(entry)) add(bytes, layer, size);
  const names = new Set([...cycles.keys(), ...bytes.keys()]);
  const layers = [...names]
    .map((layer) => ({ layer, cycles: cycles.get(layer) ?? 0, bytes: bytes.get(layer) ?? 0 }))
    .toSorted((a, b) => b.cycles - a.cycles || b.bytes - a.bytes);
  const total = (sums: Map<string, number>) => [...sums.values()].reduce((sum, value) => sum + value, 0);
  return { cycles: total(cycles), bytes: total(bytes), layers };
}

const layerOf = ({ layer }: HloInstruction): string => (layer === '' ? 'outside any layer' : layer);

/** Ops whose outputs are other names for what they are given. */
const ALIASES = new Set(['bitcast', 'get-tuple-element', 'tuple', 'optimization-barrier', 'copy-done', 'async-done']);

interface Buffer {
  readonly layer: string;
  readonly size: number;
  readonly from: number;
  to: number;
}

/** The temporary buffers that are alive at the moment when they take most. */
function aliveAtPeak({ instructions, root }: HloEntry): Buffer[] {
  const leaves = new Map<number, (Buffer | undefined)[]>();
  const buffers: Buffer[] = [];
  for (const [time, instruction] of instructions.entries()) {
    const { id, opcode, operands, arrays } = instruction;
    const read = operands.map((operand) => leaves.get(operand) ?? []);
    for (const buffer of read.flat()) if (buffer !== undefined) buffer.to = time;
    if (opcode === 'parameter' || opcode === 'constant') {
      leaves.set(id, []);
    } else if (opcode === 'get-tuple-element') {
      leaves.set(id, [read[0][instruction.tupleIndex]]);
    } else if (ALIASES.has(opcode)) {
      leaves.set(id, read.flat());
    } else {
      const own = arrays.map((array): Buffer | undefined => {
        if (array.memorySpace !== 0) return undefined;
        return { layer: layerOf(instruction), size: bytesOf(array), from: time, to: time };
      });
      buffers.push(...own.filter((buffer) => buffer !== undefined));
      leaves.set(id, own);
    }
  }
  // Results of a step take over the memory of its arguments.
  const results = new Set(leaves.get(root));
  const temporary = buffers.filter((buffer) => !results.has(buffer));
  const changes = instructions.map(() => 0);
  for (const { size, from, to } of temporary) {
    changes[from] += size;
    if (to + 1 < changes.length) changes[to + 1] -= size;
  }
  let now = 0;
  let peak = { time: 0, bytes: 0 };
  for (const [time, change] of changes.entries()) {
    now += change;
    if (now > peak.bytes) peak = { time, bytes: now };
  }
  return temporary.filter(({ from, to }) => from <= peak.time && peak.time <= to);
}
