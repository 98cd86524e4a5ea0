import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { isSystemError, settingsByPath, writeFile } from '../base/index.ts';
import { MONITORS } from '../train/index.ts';
import { TuneError } from './errors.ts';
import { tuneSchema } from './settings.ts';
import { trialSchema } from './trial.ts';

/** The state of a search in its folder. */
export const TUNE_FILE = 'tune.json';

const searchSchema = z.object({
  /** The recipe as it is written, without the values that are searched. */
  settings: z.record(z.string(), z.unknown()),
  ...tuneSchema.omit({ trials: true }).shape,
});

const fileSchema = z.object({
  format: z.literal(1),
  search: searchSchema,
  monitor: z.enum(MONITORS),
  data: z.object({
    train: z.int(),
    validation: z.int(),
    classNames: z.array(z.string()),
    /** What tells the images from others. */
    digest: z.string().optional(),
  }),
  trials: z.array(trialSchema),
});

/** What is searched, and how. */
export type Search = z.output<typeof searchSchema>;
export type TuneState = z.output<typeof fileSchema>;

export async function writeTuneFile(folder: string, state: TuneState): Promise<void> {
  await writeFile(join(folder, TUNE_FILE), `${JSON.stringify(state, undefined, 2)}\n`);
}

/** The state of the search in a folder; undefined where there is none. @throws TuneError `TUNE_FILE`. */
export async function readTuneFile(folder: string): Promise<TuneState | undefined> {
  const path = join(folder, TUNE_FILE);
  try {
    return fileSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (cause) {
    if (isSystemError(cause, 'ENOENT')) return undefined;
    const issue = cause instanceof z.ZodError ? `: ${cause.issues[0].path.join('.')}` : '';
    throw new TuneError('TUNE_FILE', `${path} is no state of a search${issue}`, {
      hint: 'it may have been written by another version of Sepal',
      cause,
    });
  }
}

/** Refuses to go on with another search or other data, whose scores would not compare. @throws TuneError `RESUME`. */
export function checkSearch(before: TuneState, now: TuneState, folder: string): void {
  const refuse = (what: string, expected: string, received: string) =>
    new TuneError('RESUME', `the search in ${folder} can't go on with another ${what}`, {
      expected,
      received,
      hint: 'go on with what it was started with, more --trials apart, or start a search in another folder',
    });
  const [old, given] = [settingsByPath(before.search), settingsByPath(now.search)];
  for (const path of new Set([...old.keys(), ...given.keys()])) {
    if (old.get(path) === given.get(path)) continue;
    throw refuse(path.replace(/^settings\./, 'recipe: '), old.get(path) ?? 'nothing', given.get(path) ?? 'nothing');
  }
  const describe = ({ train, validation, classNames }: TuneState['data']) =>
    `${train} + ${validation} images of ${classNames.join(', ')}`;
  if (describe(before.data) !== describe(now.data)) throw refuse('data set', describe(before.data), describe(now.data));
  const [known, found] = [before.data.digest, now.data.digest];
  if (known !== undefined && known !== found)
    throw refuse('data set: its images have changed', known, found ?? 'nothing');
}
