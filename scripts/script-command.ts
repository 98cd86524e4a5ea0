import { Command, CommanderError } from 'commander';
import { SepalError, UsageError } from '../src/base/index.ts';

/** What a script of `npm run` takes, with a help that ends in an example. */
export function scriptCommand(name: string, description: string, example: string): Command {
  return new Command(name)
    .description(description)
    .showSuggestionAfterError(true)
    .showHelpAfterError('(see --help)')
    .exitOverride()
    .addHelpText('after', `\nExample:\n  ${example}`);
}

/** Runs it by the arguments of the process. What is wrong with them, or with what they name, is said in one line. */
export async function runScript(command: Command): Promise<void> {
  // Whoever reads only the beginning (`… | head`) has enough.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit();
  });
  try {
    await command.parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : 2;
    } else if (error instanceof SepalError) {
      console.error(`error: ${error.toUserString()}`);
      process.exitCode = error instanceof UsageError ? 2 : 1;
    } else {
      throw error;
    }
  }
}
