import { startProgress, type Progress } from '../base/index.ts';

/** One progress bar at a time over images, told apart by its label. */
export class LabelledBar {
  #bar: Progress | undefined;
  #label: string | undefined;

  /** Of the bar that is shown. */
  get label(): string | undefined {
    return this.#label;
  }

  /** The bar of this label; another one ends. */
  show(label: string, total: number): Progress {
    if (this.#bar === undefined || this.#label !== label) {
      this.stop();
      this.#bar = startProgress({ label, total, unit: 'images/s' });
      this.#label = label;
    }
    return this.#bar;
  }

  stop(): void {
    this.#bar?.stop();
    this.#bar = undefined;
    this.#label = undefined;
  }
}
