import { INSTRUCTIONS } from './pickle-instructions.ts';
import { PickleMachine } from './pickle-machine.ts';
import type { PickleValue, PickleWorld } from './pickle-value.ts';

const STOP = 0x2e;

/**
 * Reads one pickle, from `start` on, and runs nothing.
 *
 * A pickle is a program for a stack machine that may name any Python function and call it. This machine knows the
 * instructions that build plain values; whatever it names must be in `world`, or it is refused with its name before
 * anything else happens (PEP 307, PEP 3154; `pickletools.py` describes every instruction).
 *
 * @throws WeightsError `WEIGHTS_UNSAFE` for what is not in the world, `WEIGHTS_CORRUPT` for what is no pickle.
 */
export function readPickle(
  bytes: Buffer,
  start: number,
  world: PickleWorld,
  place: string,
): { readonly value: PickleValue; readonly end: number } {
  const machine = new PickleMachine(bytes, start, world, place);
  for (;;) {
    const code = machine.step();
    if (code === STOP) return { value: machine.pop(), end: machine.position };
    const instruction = INSTRUCTIONS.get(code);
    if (instruction === undefined) {
      const shown = code > 0x20 && code < 0x7f ? ` ("${String.fromCharCode(code)}")` : '';
      throw machine.corrupt(`instruction 0x${code.toString(16).padStart(2, '0')}${shown} builds no plain value`);
    }
    instruction(machine);
  }
}
