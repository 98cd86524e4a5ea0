import { Command, CommanderError } from 'commander';
import { createLogger, SepalError } from '../base/index.ts';
import type { AddCommand, Context } from './command.ts';
import { sepalVersion } from './version.ts';

/** Every command, in the order in which the help lists them. Only the one that is typed is loaded. */
const COMMANDS = new Map<string, () => Promise<AddCommand>>([
  ['train', async () => (await import('./commands/train.ts')).addTrain],
  ['evaluate', async () => (await import('./commands/evaluate.ts')).addEvaluate],
  ['report', async () => (await import('./commands/report.ts')).addReport],
  ['predict', async () => (await import('./commands/predict.ts')).addPredict],
  ['export', async () => (await import('./commands/export.ts')).addExport],
  ['schedule', async () => (await import('./commands/schedule.ts')).addSchedule],
  ['ensemble', async () => (await import('./commands/ensemble.ts')).addEnsemble],
  ['submit', async () => (await import('./commands/submit.ts')).addSubmit],
  ['launch', async () => (await import('./commands/launch.ts')).addLaunch],
  ['plan', async () => (await import('./commands/plan.ts')).addPlan],
  ['serve', async () => (await import('./commands/serve.ts')).addServe],
  ['models', async () => (await import('./commands/models.ts')).addModels],
  ['data', async () => (await import('./commands/data.ts')).addData],
  ['plugin', async () => (await import('./commands/plugin.ts')).addPlugin],
  ['doctor', async () => (await import('./commands/doctor.ts')).addDoctor],
  ['completion', async () => (await import('./commands/completion.ts')).addCompletion],
]);

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

  const program = new Command('sepal')
    .description('Train image classifiers on TPU, GPU and CPU, through OpenXLA.')
    .version(sepalVersion(), '-V, --version', 'print the version')
    .option('-v, --verbose', 'print more: stack traces, buffer counts, cache hits')
    .option('-q, --quiet', 'print results and errors only')
    .addHelpText('after', '\nExit status: 0 done, 1 an error, 2 a wrong command line, 130 stopped by Ctrl-C.')
    .showSuggestionAfterError(true)
    .showHelpAfterError('(see --help)')
    .exitOverride();
  const context = (): Context => ({ log: createLogger(program.opts()), signal: interrupt.signal });
  for (const add of await loadCommands(args)) add(program, context);
  for (const command of program.commands) inheritSettings(command, program);

  try {
    await program.parseAsync(args, { from: 'user' });
    return process.exitCode === undefined ? 0 : Number(process.exitCode);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    printError(error, Boolean(program.opts().verbose));
    return error instanceof SepalError && error.code === 'INTERRUPTED' ? interrupted : 1;
  }
}

/** The command that the arguments name, or all of them for the help and for a name that there is not. */
async function loadCommands(args: readonly string[]): Promise<AddCommand[]> {
  const name = args.find((word) => !word.startsWith('-')) ?? '';
  // Completing a word takes knowing them all.
  const load = name === 'completion' ? undefined : COMMANDS.get(name);
  return load === undefined ? Promise.all([...COMMANDS.values()].map((each) => each())) : [await load()];
}

function inheritSettings(command: Command, parent: Command): void {
  command.copyInheritedSettings(parent);
  for (const child of command.commands) inheritSettings(child, command);
}

function printError(error: unknown, verbose: boolean): void {
  if (error instanceof SepalError) {
    process.stderr.write(`error: ${error.toUserString()}\n`);
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
