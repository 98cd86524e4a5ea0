import type { AddCommand } from '../command.ts';
import { FlagError } from '../flag-error.ts';
import { candidates } from '../completion/candidates.ts';
import { FILES, SCRIPTS } from '../completion/scripts.ts';

const SHELLS = Object.keys(SCRIPTS);

/** `sepal completion SHELL`; with `words`, what may stand in the place of the last word. */
export const addCompletion: AddCommand = (program) => {
  program
    .command('completion')
    .description('a script that lets a shell complete the words of sepal')
    .argument('<shell>', SHELLS.join(', '))
    .argument('[words...]')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  eval "$(sepal completion bash)"         in ~/.bashrc' +
        '\n  source <(sepal completion zsh)          in ~/.zshrc' +
        '\n  sepal completion fish | source          in ~/.config/fish/config.fish',
    )
    .action((shell: string, words: string[], flags: { json?: boolean }) => {
      if (shell === 'words') {
        const found = candidates(program, words);
        if (flags.json === true) {
          console.log(JSON.stringify(found, null, 2));
          return;
        }
        for (const { word, description } of found.words) console.log(`${word}\t${description}`);
        if (found.files) console.log(FILES);
        return;
      }
      if (!(shell in SCRIPTS)) {
        throw new FlagError('SHELL', `there is no completion for ${shell}`, { expected: SHELLS.join(', ') });
      }
      const script = SCRIPTS[shell as keyof typeof SCRIPTS];
      process.stdout.write(flags.json === true ? `${JSON.stringify({ shell, script }, null, 2)}\n` : script);
    });
};
