import { join } from 'node:path';
import type { Logger } from '../../base/index.ts';
import { RunEvents } from '../../tensorboard/index.ts';
import type { TrainEvent } from '../../train/index.ts';

/** Where a run folder has its event files. */
const FOLDER = 'tensorboard';

/**
 * Writes a run's epochs for TensorBoard as they come. Files that can't be written are no reason to end a training: it
 * says so and goes on without them.
 */
export class TensorboardLog {
  readonly #open: (from: number) => Promise<RunEvents>;
  readonly #log: Logger;
  #from = 0;
  #events: Promise<RunEvents> | undefined;
  #work: Promise<void> = Promise.resolve();
  #failed = false;

  constructor(out: string, recipe: string, log: Logger) {
    this.#open = (from) => RunEvents.open(join(out, FOLDER), recipe, from);
    this.#log = log;
  }

  readonly onEvent = (event: TrainEvent): void => {
    if (event.kind === 'resumed') this.#from = event.step + 1;
    if (event.kind !== 'epoch' || this.#failed) return;
    const { row } = event;
    this.#events ??= this.#open(this.#from);
    const events = this.#events;
    this.#work = this.#work.then(async () => (await events).write(row)).catch((error: Error) => this.#giveUp(error));
  };

  /** Waits until all is written. */
  async close(): Promise<void> {
    await this.#work;
    await this.#events?.then((events) => events.close()).catch(() => {});
  }

  #giveUp(error: Error): void {
    if (!this.#failed) this.#log.warn(`no more is written for TensorBoard: ${error.message}`);
    this.#failed = true;
  }
}
