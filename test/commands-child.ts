// Runs command lines of `sepal` in one process, for tests that need many: `node commands-child.ts LINES.json`, a list of lists of
// words. Prints a list of `{ args, status, stdout }` to descriptor 3.
import { readFileSync, writeSync } from 'node:fs';
import { run } from '../src/cli/run.ts';

process.setMaxListeners(0);
const lines = JSON.parse(readFileSync(process.argv[2], 'utf8')) as string[][];
const write = process.stdout.write.bind(process.stdout);
const done: object[] = [];
for (const args of lines) {
  let stdout = '';
  process.stdout.write = (chunk: string | Uint8Array) => {
    stdout += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
    return true;
  };
  const status = await run(args);
  process.stdout.write = write;
  process.exitCode = undefined;
  done.push({ args, status, stdout });
}
writeSync(3, JSON.stringify(done));
