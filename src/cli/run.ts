import { CommanderError } from 'commander';
import { setTimeout as delay } from 'node:timers/promises';
import { createLogger, dropDrafts, SepalError } from '../base/index.ts';
import { FlagError } from './flag-error.ts';
import { guardOutput } from './output-streams.ts';
import { createProgram, helpWithCommand } from './program.ts';

/** Signals that ask for an end, and the exit status after them by the shells' convention: 128 + the signal's number. */
const ENDING = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Commands that save or tidy up when they are interrupted, and end by themselves. Of the others nothing is left behind, so
 * they need not be waited for: a compiler may take minutes.
 */
const TIDYING: ReadonlySet<string> = new Set(['train', 'tune', 'serve', 'data', 'plugin', 'doctor']);

/** Whether a status tells of an interruption. */
export const isInterrupted = (status: number): boolean => Object.values<number>(ENDING).includes(status);

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
      void endNow(status);
    });
  }

  const verbose = args.includes('--verbose') || args.includes('-v');
  guardOutput((error) => {
    printError(error, verbose);
    void endNow(1);
  });
  // A failure that nobody waits for ends the process by Node's rules; not with a stack in place of a line, or drafts that stay.
  process.on('uncaughtException', (error) => {
    if (args.includes('--json')) printJsonError(error);
    printError(error, verbose);
    void endNow(1);
  });

  const program = await createProgram(args, (options) => ({ log: createLogger(options), signal: interrupt.signal }));

  try {
    helpWithCommand(program, args);
    const isTidying = TIDYING.has(args.find((word) => !word.startsWith('-')) ?? '');
    await Promise.race([program.parseAsync(args, { from: 'user' }), ...(isTidying ? [] : [aborted(interrupt.signal)])]);
    return process.exitCode === undefined ? 0 : Number(process.exitCode);
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    if (args.includes('--json')) printJsonError(error);
    if (error instanceof CommanderError) return 2;
    printError(error, Boolean(program.opts().verbose));
    if (error instanceof SepalError && error.code === 'INTERRUPTED') return interrupted;
    return error instanceof FlagError ? 2 : 1;
  }
}

/** Rejects with the reason of an abort. */
const aborted = async (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    const end = () => reject(signal.reason as Error);
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });

/** Ends the process at once, with nothing half-written, also while a plugin compiles. */
export async function endNow(status: number): Promise<never> {
  dropDrafts();
  // A pipe may still have something to take; where nobody takes it, that is no reason to stay.
  const told = [process.stdout, process.stderr].map((stream) => new Promise((resolve) => stream.write('', resolve)));
  await Promise.race([Promise.all(told), delay(1000)]);
  const { endProcess } = await import('../pjrt/index.ts');
  return endProcess(status);
}

/** For programs, the error stands on stdout as well; the code never changes between versions. */
function printJsonError(error: unknown): void {
  const of = (code: string, { message }: { readonly message: string }, details: object = {}) => ({
    code,
    message,
    ...details,
  });
  let described: object;
  if (error instanceof SepalError) {
    const { expected, received, hint } = error;
    described = of(error.code, error, { expected, received, hint });
  } else if (error instanceof CommanderError) {
    described = of('COMMAND_LINE', ...plain(error));
  } else {
    described = of('INTERNAL', error instanceof Error ? error : new Error(String(error)));
  }
  console.log(JSON.stringify({ error: described }));
}

/** What Commander says to people, for programs: without its prefix, and its suggestion as the hint that it is. */
function plain({ message }: CommanderError): [error: { message: string }, details: { hint?: string }] {
  const [, text, suggestion] = /^(?:error: )?([\s\S]*?)(?:\s*\((Did you mean [\s\S]*)\))?$/.exec(message)!;
  return [{ message: text }, suggestion === undefined ? {} : { hint: suggestion.replace('Did', 'did') }];
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
