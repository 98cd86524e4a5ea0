import { SepalError } from '../../src/base/index.ts';
import { MISUSES } from './misuse.ts';

/** Does everything wrong, one after the other, and prints a line of JSON for each: its name and how it ended. */

for (const [name, misuse] of Object.entries(MISUSES)) {
  const end = await misuse().then(
    (value) => (typeof value === 'string' ? value : 'no error'),
    (error: unknown) => (error instanceof SepalError ? error.code : `untyped: ${String(error)}`),
  );
  console.log(JSON.stringify([name, end]));
}
process.exit(0);
