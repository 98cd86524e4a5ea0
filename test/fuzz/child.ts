import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { InternalError, Random, SepalError } from '../../src/base/index.ts';
import { TARGETS } from './targets/index.ts';
import type { FuzzMessage, FuzzTask } from './target.ts';

/** The program of a fuzzing child: gets one task, reads its cases one after the other, and tells what was not in order. */

const [task] = (await once(process, 'message')) as [FuzzTask];
const target = TARGETS.find(({ name }) => name === task.target)!;
const tell = (message: FuzzMessage) => process.send?.(message);

mkdirSync(task.folder, { recursive: true });
const path = join(task.folder, `case${target.extension}`);
const journal = openSync(task.journal, 'w');
const number = Buffer.alloc(8);
const makeCase = await target.prepare(task.folder);
let refused = 0;
for (let i = task.from; i < task.to; i++) {
  // Written before anything is done with the case: a crash leaves its number.
  number.writeDoubleLE(i);
  writeSync(journal, number, 0, 8, 0);
  const bytes = await makeCase(new Random(task.seed, 'fuzz', target.name, i));
  writeFileSync(path, bytes);
  try {
    await target.read(path, bytes);
  } catch (error) {
    if (error instanceof SepalError && !(error instanceof InternalError)) refused++;
    else tell({ kind: 'untyped', number: i, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }); // prettier-ignore
  }
}
closeSync(journal);
process.send?.({ kind: 'done', refused } satisfies FuzzMessage, () => process.exit(0));
