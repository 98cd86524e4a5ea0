// The command line with one more public data set to get, which a test describes in JSON: `get-child.ts SET.json ARGUMENT…`.
import { readFileSync } from 'node:fs';
import { endNow, isInterrupted, run } from '../src/cli/run.ts';
import { PUBLIC_SETS, type PublicSet } from '../src/data/index.ts';

const [set, ...args] = process.argv.slice(2);
(PUBLIC_SETS as PublicSet[]).push(JSON.parse(readFileSync(set, 'utf8')) as PublicSet);
const status = await run(args);
if (isInterrupted(status)) await endNow(status);
process.exitCode = status;
