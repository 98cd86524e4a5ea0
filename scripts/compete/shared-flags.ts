import { Command } from 'commander';
import { badRecordsFlag } from '../../src/cli/bad-records-flag.ts';
import { addDeviceOptions } from '../../src/cli/device-flags.ts';
import { addFeatureFlags } from '../../src/cli/feature-flags.ts';

/** Flags that mean the same to `train`, `ensemble` and `submit`: where programs run, and how data is read. */
const SHARED = addDeviceOptions(addFeatureFlags(new Command())).addOption(badRecordsFlag()).options;

/** Those of the flags of `sepal train` that the commands after it take too. */
export function sharedFlags(flags: readonly string[]): string[] {
  return flags.flatMap((flag, i) => {
    const [name] = flag.split('=', 1);
    const option = SHARED.find(({ long }) => long === name);
    if (option === undefined) return [];
    const isFollowed = option.required && name === flag;
    return isFollowed ? flags.slice(i, i + 2) : [flag];
  });
}
