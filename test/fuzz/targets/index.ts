import type { Target } from '../target.ts';
import { pictureTargets } from './pictures.ts';
import { recordTargets } from './records.ts';
import { settingTargets } from './settings.ts';
import { tableTargets } from './tables.ts';
import { weightTargets } from './weights.ts';

/** Every reader of files that Sepal didn't write, or that a disk may have damaged. */
export const TARGETS: readonly Target[] = [
  ...recordTargets,
  ...pictureTargets,
  ...weightTargets,
  ...settingTargets,
  ...tableTargets,
];
