type Numbers = Uint32Array | Int32Array | Float64Array;

/** A typed array that grows as numbers are pushed. */
export class Growable<T extends Numbers> {
  #values: T;
  #length = 0;
  readonly #make: (length: number) => T;

  constructor(make: (length: number) => T) {
    this.#make = make;
    this.#values = make(1024);
  }

  push(value: number): void {
    if (this.#length === this.#values.length) {
      const larger = this.#make(this.#length * 2);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#length++] = value;
  }

  /** The numbers pushed so far, as a view. */
  done(): T {
    return this.#values.subarray(0, this.#length) as T;
  }
}
