import { formatBytes, startProgress } from '../base/index.ts';
import { openDataset, type Dataset, type OpenOptions } from '../data/index.ts';
import type { Context } from './command.ts';

/** Opens a data set with a progress bar, and says what was skipped. */
export async function openSplit(
  location: string,
  options: Omit<OpenOptions, 'signal' | 'onProgress'>,
  { log, signal }: Context,
): Promise<Dataset> {
  let bar: ReturnType<typeof startProgress> | undefined;
  try {
    const data = await openDataset(location, {
      ...options,
      signal,
      onProgress: (bytes, total) => {
        bar ??= startProgress({
          label: `reading ${[options.split ?? location].flat().join(' and ')}`,
          total,
          unit: '',
          formatRate: (rate) => `${formatBytes(rate)}/s`,
        });
        bar.update(bytes);
      },
    });
    bar?.stop();
    bar = undefined;
    for (const { file, record, reason } of data.skipped.slice(0, 10))
      log.warn(`skipped ${file}, record ${record}: ${reason}`);
    if (data.skipped.length > 10) log.warn(`… and ${data.skipped.length - 10} more`);
    return data;
  } finally {
    bar?.stop();
  }
}
