import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { saveWeights, type CheckpointInfo } from './checkpoint.ts';
import { writeHistory, type HistoryRow } from './history.ts';
import { saveLast } from './last-checkpoint.ts';
import type { PhaseRun, Snapshot } from '../phase/phase-run.ts';
import { BEST_FILE } from './run-files.ts';
import type { RunLock } from './run-lock.ts';
import { SaveQueue } from './save-queue.ts';

export interface KeepSettings {
  /** Seconds between two checkpoints within an epoch; there is one after each epoch in any case. */
  readonly checkpointEvery?: number;
  /** How many of the best epochs' weights are kept. */
  readonly keepBest?: number;
  /** The right to write into the folder, which is looked at before each write. */
  readonly lock?: RunLock;
  /** False on all hosts but one of those that train together: their state is the same. */
  readonly writes?: boolean;
}

/** Seconds. What is lost when a machine is taken away, beside what a checkpoint costs: see docs/reliability.md. */
export const CHECKPOINT_EVERY = 600;

/** What an epoch leaves behind. */
export interface EpochEnd {
  readonly info: CheckpointInfo;
  readonly history: readonly HistoryRow[];
  /** Files that get the epoch's weights. */
  readonly weights: readonly string[];
  /** Files of weights that are kept no longer. */
  readonly dropped: readonly string[];
}

/**
 * Keeps what a run has achieved: its state, its best weights, its history.
 *
 * Files are written beside the training, from a copy of the state on the devices. They are written in such an order that
 * a process that is killed at any moment leaves a run to go on from.
 */
export class RunKeeper {
  readonly #out: string;
  readonly #every: number;
  readonly #writes: boolean;
  readonly #lock: RunLock | undefined;
  readonly #queue = new SaveQueue();
  #lastStart = performance.now();
  #hasState = false;

  constructor(out: string, { checkpointEvery = CHECKPOINT_EVERY, writes = true, lock }: KeepSettings) {
    this.#out = out;
    this.#every = checkpointEvery * 1000;
    this.#writes = writes;
    this.#lock = lock;
  }

  /** Whether it is time for a checkpoint within an epoch. */
  get isDue(): boolean {
    return this.#writes && !this.hasFailed && performance.now() - this.#lastStart >= this.#every && this.#queue.isIdle;
  }

  /** Whether a save has failed; `check` and `settle` say with what. */
  get hasFailed(): boolean {
    return this.#queue.hasFailed;
  }

  /** Whether this process has saved a state to go on from. */
  get hasState(): boolean {
    return this.#hasState;
  }

  /** Starts to save the state to go on from. */
  async keepState(run: PhaseRun, info: CheckpointInfo): Promise<void> {
    this.#lastStart = performance.now();
    await this.#save(run, info, async ({ state }) => {
      await saveLast(this.#out, state, info);
      this.#hasState = true;
    });
  }

  /** Starts to save what an epoch leaves behind. */
  async keepEpoch(run: PhaseRun, { info, history, weights, dropped }: EpochEnd): Promise<void> {
    this.#lastStart = performance.now();
    const rows = [...history];
    const path = (name: string) => join(this.#out, name);
    await this.#save(run, info, async ({ state, evaluated }) => {
      // A state that knows of weights comes after them.
      for (const name of weights) await saveWeights(path(name), evaluated, info);
      await writeHistory(this.#out, rows);
      await saveLast(this.#out, state, info);
      this.#hasState = true;
      for (const name of dropped) await rm(path(name), { force: true });
    });
  }

  /** Starts to save weights of an unfinished epoch as the best, where a run has to end without any other. */
  async keepWeights(run: PhaseRun, info: CheckpointInfo): Promise<void> {
    await this.#save(run, info, async ({ evaluated }) => saveWeights(join(this.#out, BEST_FILE), evaluated, info));
  }

  /** Copies the state on the device, and saves the copy beside the training. @throws what an earlier save has failed with. */
  async #save(run: PhaseRun, { step }: CheckpointInfo, save: (snapshot: Snapshot) => Promise<void>): Promise<void> {
    if (!this.#writes) return;
    // The copy before takes the device's memory until it is written.
    await this.#queue.settle();
    const snapshot = await run.snapshot(step);
    await this.#queue.start(async () => {
      try {
        await this.#lock?.requireOwn();
        await save(snapshot);
      } finally {
        snapshot.dispose();
      }
    });
  }

  /** @throws what a save has failed with. */
  check(): void {
    this.#queue.check();
  }

  /** Waits until all is on the disk. @throws what a save has failed with. */
  async settle(): Promise<void> {
    await this.#queue.settle();
  }
}
