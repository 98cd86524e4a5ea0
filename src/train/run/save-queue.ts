/** Saves that go on beside the training, one after the other. */
export class SaveQueue {
  #running: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;

  /** Whether nothing is being saved. */
  get isIdle(): boolean {
    return this.#running === undefined;
  }

  /** Whether a save has failed, and nobody was told. */
  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  /** Starts a save when the one before it is through. @throws what an earlier one failed with. */
  async start(save: () => Promise<void>): Promise<void> {
    await this.settle();
    this.#running = save()
      .catch((error: unknown) => {
        this.#failure = { error };
      })
      .finally(() => {
        this.#running = undefined;
      });
  }

  /** Throws what a save has failed with, once. */
  check(): void {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure.error;
  }

  /** Waits until nothing is being saved. @throws what a save failed with. */
  async settle(): Promise<void> {
    await this.#running;
    this.check();
  }
}
