import { Command, InvalidArgumentError } from 'commander';
import { nearest, requireLocalOut } from '../base/index.ts';
import type { AddCommand, Context } from './command.ts';
import { namingFlags } from './flag-error.ts';
import { sepalVersion } from './version.ts';

/** Every command, in the order in which the help lists them. Only the one that is typed is loaded. */
const COMMANDS = new Map<string, () => Promise<AddCommand>>([
  ['train', async () => (await import('./commands/train.ts')).addTrain],
  ['tune', async () => (await import('./commands/tune.ts')).addTune],
  ['evaluate', async () => (await import('./commands/evaluate.ts')).addEvaluate],
  ['report', async () => (await import('./commands/report.ts')).addReport],
  ['predict', async () => (await import('./commands/predict.ts')).addPredict],
  ['export', async () => (await import('./commands/export.ts')).addExport],
  ['debug', async () => (await import('./commands/debug.ts')).addDebug],
  ['schedule', async () => (await import('./commands/schedule.ts')).addSchedule],
  ['ensemble', async () => (await import('./commands/ensemble.ts')).addEnsemble],
  ['submit', async () => (await import('./commands/submit.ts')).addSubmit],
  ['launch', async () => (await import('./commands/launch.ts')).addLaunch],
  ['plan', async () => (await import('./commands/plan.ts')).addPlan],
  ['profile', async () => (await import('./commands/profile.ts')).addProfile],
  ['serve', async () => (await import('./commands/serve.ts')).addServe],
  ['models', async () => (await import('./commands/models.ts')).addModels],
  ['data', async () => (await import('./commands/data.ts')).addData],
  ['plugin', async () => (await import('./commands/plugin.ts')).addPlugin],
  ['doctor', async () => (await import('./commands/doctor.ts')).addDoctor],
  ['completion', async () => (await import('./commands/completion.ts')).addCompletion],
]);

/** The program with the command that the arguments name, or all of them for the help and for a name that there is not. */
export async function createProgram(
  args: readonly string[],
  contextOf: (options: { readonly verbose?: boolean; readonly quiet?: boolean }) => Context,
): Promise<Command> {
  const program = new Command('sepal')
    .description('Train image classifiers on TPU, GPU and CPU, through OpenXLA.')
    .version(sepalVersion(), '-V, --version', 'print the version')
    .option('-v, --verbose', 'print more: stack traces, buffer counts, cache hits')
    .option('-q, --quiet', 'print results and errors only')
    .addHelpText(
      'after',
      '\nExit status: 0 done, 1 an error, 2 a wrong command line,\n130 and 143 stopped by Ctrl-C and SIGTERM.',
    )
    // Arguments and options stand in each command's own help; beside names alone there is room for what the commands do.
    .configureHelp({ subcommandTerm: (command) => command.name() })
    .showSuggestionAfterError(true)
    .showHelpAfterError('(see --help)')
    .exitOverride()
    .hook('preAction', (_, command) => requireLocalFlag(command));
  for (const add of await loadCommands(args)) add(program, () => contextOf(program.opts()));
  for (const command of program.commands) inheritSettings(command, program);
  for (const command of leafCommands(program).values()) suggestChoices(command);
  return program;
}

function requireLocalFlag(command: Command): void {
  const { out } = command.opts<{ out?: string }>();
  if (out !== undefined) namingFlags(() => requireLocalOut(out, `--out ${out}`));
}

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

/** The commands that do something, by their words: `train`, `data info`, … */
export function leafCommands(program: Command, above = ''): Map<string, Command> {
  const leaves = new Map<string, Command>();
  for (const command of program.commands) {
    const name = `${above}${command.name()}`;
    if (command.commands.length === 0) leaves.set(name, command);
    for (const [inner, leaf] of leafCommands(command, `${name} `)) leaves.set(inner, leaf);
  }
  return leaves;
}

/** A choice that there is not is answered with the one that was meant, as Commander answers a command that there is not. */
function suggestChoices({ options, registeredArguments }: Command): void {
  for (const each of [...options, ...registeredArguments]) {
    const { argChoices, parseArg } = each;
    if (argChoices === undefined || parseArg === undefined) continue;
    each.parseArg = <T>(value: string, previous: T): T => {
      try {
        return parseArg<T>(value, previous);
      } catch (error) {
        const near = nearest(value, argChoices);
        if (!(error instanceof InvalidArgumentError) || near.length === 0) throw error;
        throw new InvalidArgumentError(`${error.message}\n(Did you mean ${near.join(' or ')}?)`);
      }
    };
  }
}

/**
 * `sepal help data convert` is `sepal data convert --help`: Commander would print the help of `data`, and for a name that there is
 * not the help of all, without saying so.
 */
export function helpWithCommand(program: Command, args: readonly string[]): void {
  const [word, ...names] = args.filter((each) => !each.startsWith('-'));
  if (word !== 'help') return;
  let command = program;
  for (const name of names) {
    const inner = command.commands.find((each) => each.name() === name);
    if (inner !== undefined) {
      command = inner;
      continue;
    }
    const near = nearest(
      name,
      command.commands.map((each) => each.name()),
      1,
    );
    const suggestion = near.length === 0 ? '' : `\n(Did you mean ${near[0]}?)`;
    command.error(`error: unknown command '${name}'${suggestion}`, { code: 'commander.unknownCommand' });
  }
  command.help();
}
