import { readdir, realpath, rename, rm, rmdir, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import {
  abandonedPlaces,
  isSystemError,
  makeFolder,
  removeAbandoned,
  requireLocalOut,
  UsageError,
  workPlace,
  writeError,
} from '../base/index.ts';

/** What a data set's folder consists of; `--force` replaces nothing else. */
const DATA_SET_ENTRY = /^(classes\.txt|tfrecords-jpeg-\d+x\d+)$/;

/**
 * Writes a data set's folder so that it appears whole or not at all: `fill` gets a hidden folder beside it, which takes
 * its place at the end. With `force` a data set that is there is replaced, after all else has worked. What a process that was
 * killed has left is removed.
 *
 * @throws UsageError `OUT`, `OUT_NOT_EMPTY`, `OUT_NOT_FOLDER` or `OUT_IN_USE` before anything is written.
 */
export async function writeDatasetFolder(
  path: string,
  force: boolean,
  fill: (draft: string) => Promise<void>,
): Promise<void> {
  // Of a link what it leads to is replaced, not the link: it may lead to a disk with more room.
  const out = await realpath(path).catch(() => resolve(path));
  await restore(out);
  await removeAbandoned(out);
  await checkOut(path, force);
  const draft = workPlace(out);
  try {
    // The folder that was asked for is named where none can be made there, not the hidden one.
    await makeFolder(draft).catch((cause: unknown) => {
      throw writeError(path, cause);
    });
    await fill(draft);
    if (force) await replace(draft, out);
    else await moveInto(draft, out, path);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** Whether a data set may be written there. @throws UsageError `OUT`, `OUT_NOT_EMPTY`, `OUT_NOT_FOLDER`, `OUT_IN_USE`. */
export async function checkOut(shown: string, force: boolean): Promise<void> {
  requireLocalOut(shown);
  let names: string[];
  try {
    names = await readdir(shown);
  } catch (cause) {
    if (isSystemError(cause, 'ENOENT')) return;
    if (isSystemError(cause, 'ENOTDIR')) throw new UsageError('OUT_NOT_FOLDER', `${shown} is a file`, { cause });
    throw writeError(shown, cause);
  }
  const ours = names.every((name) => DATA_SET_ENTRY.test(name));
  if (names.length === 0 || (force && ours)) return checkReplaceable(shown);
  throw new UsageError('OUT_NOT_EMPTY', `${shown} is not empty`, {
    received: `a folder with ${names.slice(0, 4).join(', ')}${names.length > 4 ? ', …' : ''}`,
    hint: ours ? 'replace the data set with --force, or choose another folder' : 'choose another folder',
  });
}

/**
 * What is made of a folder doesn't lie in it, where the next one would read it.
 *
 * @throws UsageError `OUT_IN_SOURCE`, where the folders of this machine are so, also through links.
 */
export async function requireOutside(shown: string, source: string): Promise<void> {
  const way = relative(await realPlace(source), await realPlace(shown));
  if (way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way)) return;
  throw new UsageError(
    'OUT_IN_SOURCE',
    `${shown} ${way === '' ? 'is' : 'lies in'} the folder that is read, ${source}`,
    {
      expected: 'a folder outside of it: what lies in it is read as a class the next time',
      hint: `choose another --out, such as ${join(source, '..', `${basename(resolve(source))}-tfrecords`)}`,
    },
  );
}

/** The path of what is there or may be made there, without links. */
async function realPlace(path: string): Promise<string> {
  const whole = resolve(path);
  const parent = dirname(whole);
  return realpath(whole).catch(async () => (parent === whole ? whole : join(await realPlace(parent), basename(whole))));
}

/** A whole data set takes the folder's place, which that of a disk, and the one that a shell is in, can't be taken. */
async function checkReplaceable(shown: string): Promise<void> {
  const out = await realpath(shown);
  const isDisk = (await stat(out)).dev !== (await stat(dirname(out))).dev;
  if (!isDisk && out !== process.cwd()) return;
  const what = isDisk ? 'a disk of its own' : 'the folder that you are in';
  throw new UsageError('OUT_IN_USE', `${shown} is ${what} and can't be replaced by a data set`, {
    hint: 'choose a folder in it',
  });
}

/** How the data set is called that is being replaced. */
const OLD = '-old';

/** Gives a data set its name back that a process was replacing when it was killed, where nothing has taken that. */
async function restore(out: string): Promise<void> {
  for (const place of await abandonedPlaces(out)) {
    if (!place.endsWith(OLD)) continue;
    await rename(place, out).catch((cause: unknown) => {
      if (isSystemError(cause, 'ENOTEMPTY') || isSystemError(cause, 'EEXIST') || isSystemError(cause, 'ENOTDIR'))
        return;
      throw writeError(out, cause);
    });
  }
}

/** Gives a data set its name where there is nothing, or an empty folder. Another process may have made one there meanwhile. */
async function moveInto(draft: string, out: string, shown: string): Promise<void> {
  try {
    await rmdir(out).catch((cause: unknown) => {
      if (!isSystemError(cause, 'ENOENT')) throw cause;
    });
    await rename(draft, out);
  } catch (cause) {
    await checkOut(shown, false);
    throw writeError(out, cause);
  }
}

async function replace(draft: string, out: string): Promise<void> {
  const old = `${draft}${OLD}`;
  try {
    const replaced = await rename(out, old).then(
      () => true,
      (cause: unknown) => {
        if (isSystemError(cause, 'ENOENT')) return false;
        throw cause;
      },
    );
    try {
      await rename(draft, out);
    } catch (cause) {
      if (replaced) await rename(old, out);
      throw cause;
    }
    await rm(old, { recursive: true, force: true });
  } catch (cause) {
    throw writeError(out, cause);
  }
}
