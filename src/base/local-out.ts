import { UsageError } from './errors.ts';

/** Whether a path is an address, such as `gs://bucket/folder`, and no path of this machine. */
export const isAddress = (path: string): boolean => /^[a-z][a-z0-9+.-]+:\/\//i.test(path);

/** What to do about an address where something is to be written. */
export const ADDRESS_HINT =
  'data may be in a bucket; copy what Sepal writes there afterwards (gcloud storage rsync, aws s3 sync), or mount it';

/**
 * What is written is replaced as a whole and locked, which takes a file system; an address would become a folder called `gs:`.
 *
 * @throws UsageError `OUT`.
 */
export function requireLocalOut(out: string): void {
  if (!isAddress(out)) return;
  throw new UsageError('OUT', `${out} is no path of this machine`, {
    expected: 'a path on a disk, or on a mounted one',
    hint: ADDRESS_HINT,
  });
}
