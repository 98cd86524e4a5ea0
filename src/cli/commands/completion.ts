import { UsageError } from '../../base/index.ts';
import type { AddCommand } from '../command.ts';
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
    .addHelpText(
      'after',
      '\nExamples:\n  eval "$(sepal completion bash)"         in ~/.bashrc' +
        '\n  source <(sepal completion zsh)          in ~/.zshrc' +
        '\n  sepal completion fish | source          in ~/.config/fish/config.fish',
    )
    .action((shell: string, words: string[]) => {
      if (shell === 'words') {
        const found = candidates(program, words);
        for (const { word, description } of found.words) console.log(`${word}\t${description}`);
        if (found.files) console.log(FILES);
        return;
      }
      if (!(shell in SCRIPTS)) {
        throw new UsageError('SHELL', `there is no completion for ${shell}`, { expected: SHELLS.join(', ') });
      }
      process.stdout.write(SCRIPTS[shell as keyof typeof SCRIPTS]);
    });
};
