import type { Command } from 'commander';
import { plural } from '../../base/index.ts';
import { inspectDataset, type Skipped } from '../../data/index.ts';
import type { Context } from '../command.ts';
import { addDataFlags, stepDisplay, toInspectOptions, type DataFlags } from './data-flags.ts';
import { LOCATION } from './data-info.ts';

/** `sepal data check`: reads and decodes everything and lists what is bad. */
export function addDataCheck(data: Command, context: () => Context): void {
  addDataFlags(
    data
      .command('check')
      .description('read, verify and decode every record; list the bad ones, with status 1 if there are any')
      .argument('<location>', LOCATION),
  )
    .addHelpText('after', '\nExample:\n  sepal data check flowers')
    .action(async (location: string, flags: DataFlags) => {
      const { log, signal } = context();
      const display = stepDisplay();
      let splits;
      try {
        const options = { ...toInspectOptions(flags), signal, decode: true, onProgress: display.update };
        splits = await inspectDataset(location, options);
      } finally {
        display.stop();
      }
      const bad = splits.flatMap((split) => split.bad);
      for (const record of bad) console.log(describeSkipped(record));
      const records = splits.reduce((sum, split) => sum + split.records, 0);
      const files = splits.reduce((sum, split) => sum + split.files.length, 0);
      const found = `${plural(records, 'record')} in ${plural(files, 'file')}`;
      if (bad.length === 0) {
        log.info(`${found}: all good`);
      } else {
        log.info(`${found} could be read; ${plural(bad.length, 'problem')} found`);
        process.exitCode = 1;
      }
    });
}

/** `FILE, record 3: REASON`. */
export function describeSkipped({ file, record, reason }: Skipped): string {
  return `${file}${record === undefined ? '' : `, record ${record}`}: ${reason}`;
}
