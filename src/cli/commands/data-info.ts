import type { Command } from 'commander';
import { formatCount, formatTable, plural } from '../../base/index.ts';
import { inspectDataset, type SplitSummary } from '../../data/index.ts';
import type { Context } from '../command.ts';
import { addDataFlags, stepDisplay, toInspectOptions, type DataFlags } from './data-flags.ts';

/** `sepal data info`: what a data set holds. */
export function addDataInfo(data: Command, context: () => Context): void {
  addDataFlags(
    data.command('info').description('splits, sizes and classes of a data set').argument('<location>', LOCATION),
  )
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExamples:\n  sepal data info flowers\n  sepal data info petals --size 224 --json')
    .action(async (location: string, flags: DataFlags & { json?: boolean }) => {
      const { log, signal } = context();
      const display = stepDisplay();
      let splits;
      try {
        splits = await inspectDataset(location, { ...toInspectOptions(flags), signal, onProgress: display.update });
      } finally {
        display.stop();
      }
      console.log(flags.json ? toJson(splits) : toText(splits));
      const bad = splits.reduce((sum, split) => sum + split.bad.length, 0);
      if (bad > 0) log.warn(`${plural(bad, 'bad record')}: sepal data check ${location} lists them`);
    });
}

export const LOCATION =
  'a data set: its folder, a folder of TFRecord files, a file, or a quoted glob pattern; gs:// and s3:// too';

function toText(splits: readonly SplitSummary[]): string {
  const header = ['split', 'files', 'records', 'pixels', 'layout', 'labels'];
  const rows = splits.map((split) => [
    split.split,
    formatCount(split.files.length),
    formatCount(split.records),
    sizesText(split.sizes),
    split.layout,
    split.labelled ? 'yes' : 'no',
  ]);
  const parts = [formatTable([header, ...rows], [1, 2])];
  const labelled = splits.filter((split) => split.labelled);
  if (labelled.length > 0) parts.push(classTable(labelled));
  return parts.join('\n\n');
}

function sizesText(sizes: ReadonlyMap<string, number>): string {
  const names = [...sizes.keys()];
  return names.length <= 3 ? names.join(', ') : `${names[0]} and ${names.length - 1} more sizes`;
}

const BAR = 24;

/** Records of each class in each split, with a bar for the first split. */
function classTable(splits: readonly SplitSummary[]): string {
  const names = splits.map((split) => split.classNames).toSorted((a, b) => b.length - a.length)[0];
  const most = Math.max(1, ...splits[0].classCounts);
  const rows = names.map((name, label) => {
    const counts = splits.map((split) => split.classCounts[label] ?? 0);
    const length = Math.round((BAR * counts[0]) / most);
    const bar = '█'.repeat(counts[0] > 0 ? Math.max(1, length) : 0);
    return [String(label), name, ...counts.map(formatCount), bar];
  });
  const right = [0, ...splits.map((_, i) => i + 2)];
  return formatTable([['', 'class', ...splits.map((split) => split.split), ''], ...rows], right);
}

function toJson(splits: readonly SplitSummary[]): string {
  const plain = splits.map((split) => ({ ...split, sizes: Object.fromEntries(split.sizes) }));
  return JSON.stringify(plain, null, 2);
}
