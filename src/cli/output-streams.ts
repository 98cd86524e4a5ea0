import { writeError } from '../base/index.ts';

/** What a write to a pipe fails with whose reader is gone, and to a terminal that is. */
const UNREAD: ReadonlySet<string | undefined> = new Set(['EPIPE', 'EIO', 'ERR_STREAM_DESTROYED']);

/**
 * Where nobody reads on, as behind `| head` or when a terminal is closed, what is told is lost and the work is not: files are
 * written, runs and servers go on. What stdout can't take otherwise, as on a full disk, are results: `onFailure` is told, once.
 */
export function guardOutput(onFailure: (error: Error) => void): void {
  let hasFailed = false;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (hasFailed || UNREAD.has(error.code)) return;
    hasFailed = true;
    onFailure(writeError('standard output', error));
  });
  // There is no other place to tell it.
  process.stderr.on('error', () => {});
}
