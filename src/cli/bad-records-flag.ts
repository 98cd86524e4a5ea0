import { Option } from 'commander';
import type { BadRecords } from '../data/index.ts';

const CHOICES: readonly BadRecords[] = ['fail', 'skip'];

/** The flag of every command that decodes pictures; `what` are those that it speaks of. */
export function badRecordsFlag(what = 'records that are damaged'): Option {
  return new Option('--bad-records <what>', `what to do with ${what}`).choices(CHOICES).default('fail');
}
