import { existsSync } from 'node:fs';
import { copyFile, link, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isSystemError, UsageError } from '../../base/index.ts';
import { readCheckpoint, saveState, type Checkpoint, type CheckpointInfo } from './checkpoint.ts';
import { CheckpointError } from '../errors.ts';
import { LAST_FILE, PREVIOUS_FILE } from './run-files.ts';

/** Whether a run folder has anything to go on from. */
export const hasCheckpoint = (out: string): boolean =>
  [LAST_FILE, PREVIOUS_FILE].some((file) => existsSync(join(out, file)));

/** @throws UsageError `RUN_EXISTS` where a run that begins in the folder would take another one's place. */
export function requireNoRun(out: string): void {
  if (!hasCheckpoint(out)) return;
  throw new UsageError('RUN_EXISTS', `${out} holds a run already`, {
    hint: 'add --resume (resume: true) to go on with it, or choose another --out',
  });
}

/** What a run goes on from. */
export interface LastCheckpoint {
  readonly checkpoint: Checkpoint;
  /** What is wrong with the last checkpoint, where the one before it was taken instead. */
  readonly problem?: CheckpointError;
}

/**
 * The last checkpoint of a run that is whole: the last one, or the one before.
 *
 * @throws CheckpointError what is wrong with the last one, where the one before it is no help either.
 */
export async function readLast(out: string): Promise<LastCheckpoint> {
  try {
    return { checkpoint: await readCheckpoint(join(out, LAST_FILE)) };
  } catch (problem) {
    if (!(problem instanceof CheckpointError)) throw problem;
    try {
      return { checkpoint: await readCheckpoint(join(out, PREVIOUS_FILE)), problem };
    } catch {
      throw problem;
    }
  }
}

/** Saves a state as the last checkpoint; the one that was the last becomes the one before. */
export async function saveLast(
  out: string,
  state: Parameters<typeof saveState>[1],
  info: CheckpointInfo,
): Promise<void> {
  await saveState(join(out, LAST_FILE), state, info, () => keepPrevious(out));
}

/** Gives the last checkpoint a second name, so that there is one at every moment. */
async function keepPrevious(out: string): Promise<void> {
  const [last, previous] = [join(out, LAST_FILE), join(out, PREVIOUS_FILE)];
  // Of the form of drafts, which the next start removes where this process is killed here.
  const draft = join(out, `.${PREVIOUS_FILE}.${'0'.repeat(12)}`);
  await rm(draft, { force: true });
  try {
    await link(last, draft);
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return;
    // Not every file system has a second name for a file.
    await copyFile(last, draft);
  }
  await rename(draft, previous);
  // Where both are names of one file, as after a kill between here and the next step, renaming does nothing and leaves both.
  await rm(draft, { force: true });
}
