#!/usr/bin/env node
import { restartWithMemorySettings } from './memory-settings.ts';
import { nodeProblem } from './node-version.ts';

const problem = nodeProblem(process.versions.node);
if (problem !== undefined) {
  console.error(problem);
  process.exit(1);
}

restartWithMemorySettings(process.argv.slice(2));

// Keeps compiled code (in development also the TypeScript with its types taken out) for the next start. Older versions of Node.js
// have no such export, and would end before the line above.
const { enableCompileCache } = await import('node:module');
enableCompileCache();

// libuv's pool runs image decoding, file access and the calls into XLA, each of which holds a thread while it lasts.
// Its size is read when the first one starts, so it is set before anything else is loaded.
process.env.UV_THREADPOOL_SIZE ??= '8';

const { endNow, isInterrupted, run } = await import('./run.ts');
const status = await run(process.argv.slice(2));
if (isInterrupted(status)) await endNow(status);
process.exitCode = status;
