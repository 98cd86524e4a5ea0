import { UsageError } from './errors.ts';

/** An address, such as `gs://bucket/folder`, and no path of this machine. */
const ADDRESS = /^[a-z][a-z0-9+.-]+:\/\//i;

/**
 * What is written is replaced as a whole and locked, which takes a file system; an address would become a folder called `gs:`.
 *
 * @param shown what the error calls it.
 * @throws UsageError `OUT`.
 */
export function requireLocalOut(out: string, shown = out): void {
  if (!ADDRESS.test(out)) return;
  throw new UsageError('OUT', `${shown} is no path of this machine`, {
    expected: 'a path on a disk, or on a mounted one',
    hint: 'data may be in a bucket; copy what Sepal writes there afterwards (gcloud storage rsync, aws s3 sync), or mount it',
  });
}
