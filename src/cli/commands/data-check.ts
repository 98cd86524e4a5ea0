import type { Command } from 'commander';
import { plural } from '../../base/index.ts';
import {
  DuplicateFinder,
  inspectDataset,
  type DuplicateGroup,
  type Member,
  type Skipped,
  type SplitSummary,
} from '../../data/index.ts';
import type { Context } from '../command.ts';
import { addDataFlags, stepDisplay, toInspectOptions, type DataFlags } from './data-flags.ts';
import { findSuspects, suspectsText, type Suspect } from '../suspects.ts';
import { LOCATION } from './data-info.ts';

interface CheckFlags extends DataFlags {
  readonly deep?: boolean;
  readonly outOfFold?: string;
  readonly json?: boolean;
}

/** `sepal data check`: reads and decodes everything and lists what is bad. */
export function addDataCheck(data: Command, context: () => Context): void {
  addDataFlags(
    data
      .command('check')
      .description('read, verify and decode every record; list the bad ones, with status 1 if there are any')
      .argument('<location>', LOCATION),
  )
    .option('--deep', 'list near-duplicates too, within and between splits, and photos that have two classes')
    .option(
      '--out-of-fold <dir>',
      'list labels that are probably wrong, by what the folds of a cross-validation (sepal train --folds) say of images that they had not seen',
    )
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  sepal data check flowers\n  sepal data check flowers --deep\n  sepal data check flowers --out-of-fold runs/folds',
    )
    .action(async (location: string, flags: CheckFlags) => {
      await check(location, flags, context());
    });
}

async function check(location: string, flags: CheckFlags, { log, signal }: Context): Promise<void> {
  const display = stepDisplay();
  const duplicates = flags.deep === true ? new DuplicateFinder() : undefined;
  let splits;
  let groups: DuplicateGroup[] = [];
  let suspects: Suspect[] | undefined;
  const records: Member[] = [];
  try {
    const options = {
      ...toInspectOptions(flags),
      signal,
      decode: true,
      duplicates,
      onRecord: (record: Member) => void records.push(record),
      onProgress: display.update,
    };
    splits = await inspectDataset(location, options);
    if (flags.outOfFold !== undefined) suspects = await findSuspects(flags.outOfFold, records);
    if (duplicates !== undefined) {
      const onProgress = (done: number) => display.update('comparing', done, duplicates.count);
      groups = await duplicates.find({ signal, onProgress });
    }
  } finally {
    display.stop();
  }
  const bad = splits.flatMap((split) => split.bad);
  if (bad.length > 0) process.exitCode = 1;
  if (flags.json === true) {
    console.log(
      JSON.stringify(
        { splits: splits.map(countsOf), bad, ...(flags.deep && { duplicates: groups }), suspects },
        null,
        2,
      ),
    );
    return;
  }
  for (const record of bad) console.log(describeSkipped(record));
  if (groups.length > 0) console.log(groups.map(describeGroup).join('\n'));
  if (suspects !== undefined && suspects.length > 0) console.log(suspectsText(suspects));
  const count = splits.reduce((sum, split) => sum + split.records, 0);
  const files = splits.reduce((sum, split) => sum + split.files.length, 0);
  const found = `${plural(count, 'record')} in ${plural(files, 'file')}`;
  log.info(
    bad.length === 0
      ? `${found}: all good`
      : `${found} could be read; ${plural(bad.length, 'problem')} found`, // prettier-ignore
  );
  if (flags.deep === true) log.info(summarise(groups));
  if (suspects !== undefined) log.info(`${plural(suspects.length, 'label')} that the folds contradict`);
}

const countsOf = ({ split, files, records }: SplitSummary) => ({ split, files: files.length, records });

function describeGroup({ members, similarity, contradictory, acrossSplits }: DuplicateGroup): string {
  const kind = contradictory ? 'one photo, two classes' : acrossSplits ? 'one photo, two splits' : 'near-duplicates';
  const lines = members.map(
    ({ split, id, className, place }) =>
      `  ${split.padEnd(5)} ${className ?? '–'}  ${id}  (${place.file}, record ${place.record})`,
  );
  return [`${kind}, ${(100 * similarity).toFixed(1)}% alike:`, ...lines].join('\n');
}

function summarise(groups: readonly DuplicateGroup[]): string {
  if (groups.length === 0) return 'no near-duplicates';
  const count = (test: (group: DuplicateGroup) => boolean) => groups.filter(test).length;
  return (
    `${plural(groups.length, 'group')} of near-duplicates: ${count((group) => group.contradictory)} with two classes, ` +
    `${count((group) => group.acrossSplits)} across splits`
  );
}

/** `FILE, record 3: REASON`. */
export function describeSkipped({ file, record, reason }: Skipped): string {
  return `${file}${record === undefined ? '' : `, record ${record}`}: ${reason}`;
}
