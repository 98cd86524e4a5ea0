/** The time that a run may take, of which its end needs a part: weights are validated before they are given out. */
export class TimeBudget {
  readonly #deadline: number;
  readonly #after: number;
  /** Milliseconds of the longest validation so far. */
  #validation: number | undefined;

  /**
   * `deadline` is in milliseconds from the start of the process, as `performance.now()` counts; without one there is no end.
   * `after` is how much there is to classify after the run, in validations.
   */
  constructor(deadline = Infinity, after = 0) {
    this.#deadline = deadline;
    this.#after = after;
  }

  noteValidation(milliseconds: number): void {
    this.#validation = Math.max(this.#validation ?? 0, milliseconds);
  }

  /**
   * Whether no more than the end of the run has room. `guess` is how long a validation takes where none has been seen;
   * `isValidated` says that the weights to be given out have been, so that none is to come.
   */
  isUp({ guess, isValidated }: { readonly guess: number; readonly isValidated: boolean }): boolean {
    const end = 1.2 * (this.#validation ?? guess) * (this.#after + (isValidated ? 0 : 1));
    return performance.now() + end >= this.#deadline;
  }
}
