import { formatBytes, startProgress, type Progress } from '../base/index.ts';
import type { TransferProgress } from '../assets/index.ts';

/** Bars of an asset that is being brought: one for each step of it. */
export function transferDisplay(name: string): { update: (progress: TransferProgress) => void; stop: () => void } {
  let step: string | undefined;
  let bar: Progress | undefined;
  return {
    update(progress) {
      if (progress.step !== step) {
        bar?.stop();
        step = progress.step;
        const label = step === 'download' ? `downloading ${name}` : `unpacking ${name}`;
        bar = startProgress({ label, total: toMiB(progress.total ?? 0), unit: 'MiB/s', plainInterval: 2 });
      }
      const total = progress.total === undefined ? '' : ` of ${formatBytes(progress.total)}`;
      bar?.update(toMiB(progress.bytes), `${formatBytes(progress.bytes)}${total}`);
    },
    stop() {
      bar?.stop();
      bar = undefined;
    },
  };
}

const toMiB = (bytes: number) => bytes / 2 ** 20;
