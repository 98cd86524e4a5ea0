import { CommanderError } from 'commander';
import { createLogger, SepalError } from '../base/index.ts';
import { createProgram } from './program.ts';

/** Signals that ask for an end, and the exit status after them by the shells' convention: 128 + the signal's number. */
const ENDING = { SIGINT: 130, SIGTERM: 143 } as const;

/** Runs one command line. Resolves with the exit status: 0, 1 for an error, 2 for a wrong command line. */
export async function run(args: readonly string[]): Promise<number> {
  const interrupt = new AbortController();
  let interrupted = 1;
  for (const [signal, status] of Object.entries(ENDING)) {
    process.on(signal, () => {
      if (!interrupt.signal.aborted) {
        interrupted = status;
        interrupt.abort(new SepalError('INTERRUPTED', `interrupted by ${signal}`));
        return;
      }
      // A second one ends the process at once by the system's way; process.exit would wait for a plugin that compiles.
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
    });
  }

  const program = await createProgram(args, (options) => ({ log: createLogger(options), signal: interrupt.signal }));

  try {
    await program.parseAsync(args, { from: 'user' });
    return process.exitCode === undefined ? 0 : Number(process.exitCode);
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    if (args.includes('--json')) printJsonError(error);
    if (error instanceof CommanderError) return 2;
    printError(error, Boolean(program.opts().verbose));
    return error instanceof SepalError && error.code === 'INTERRUPTED' ? interrupted : 1;
  }
}

/** For programs, the error stands on stdout as well; the code never changes between versions. */
function printJsonError(error: unknown): void {
  const of = (code: string, { message }: Error, details: object = {}) => ({ code, message, ...details });
  let described: object;
  if (error instanceof SepalError) {
    const { expected, received, hint } = error;
    described = of(error.code, error, { expected, received, hint });
  } else if (error instanceof CommanderError) {
    described = of('COMMAND_LINE', error);
  } else {
    described = of('INTERNAL', error instanceof Error ? error : new Error(String(error)));
  }
  console.log(JSON.stringify({ error: described }));
}

function printError(error: unknown, verbose: boolean): void {
  if (error instanceof SepalError) {
    process.stderr.write(`error: ${error.toUserString()}\n${verbose ? `  code: ${error.code}\n` : ''}`);
  } else {
    const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    process.stderr.write(`error: ${text}\n  hint: this is a bug in Sepal: please report it with --verbose\n`);
  }
  if (verbose && error instanceof Error) {
    process.stderr.write(`${error.stack ?? ''}\n`);
    for (let cause = error.cause; cause instanceof Error; cause = cause.cause) {
      process.stderr.write(`caused by ${cause.stack ?? cause.message}\n`);
    }
  }
}
