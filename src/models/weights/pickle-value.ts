/** What a pickle may hold here; lists and tuples are arrays, dicts are maps. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleClass
  | PickleObject
  | readonly PickleValue[]
  | Map<PickleValue, PickleValue>;

/** Base of what the calls of a pickle's classes give. */
export abstract class PickleObject {
  abstract readonly kind: string;
}

/** A class or function that a pickle may name. */
export class PickleClass {
  readonly name: string;
  readonly call: ((args: readonly PickleValue[]) => PickleValue) | undefined;

  /** `call` gives what calling it gives; without one it may only be named. */
  constructor(name: string, call?: (args: readonly PickleValue[]) => PickleValue) {
    this.name = name;
    this.call = call;
  }
}

/** All that a pickle may refer to outside itself. */
export interface PickleWorld {
  /** By `module.name`. */
  readonly classes: ReadonlyMap<string, PickleClass>;
  persistent(id: PickleValue): PickleValue;
}
