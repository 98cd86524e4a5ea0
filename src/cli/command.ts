import type { Logger } from '../base/index.ts';
import type { Command } from 'commander';

/** What a command gets besides its own flags. */
export interface Context {
  readonly log: Logger;
  /** Aborted by Ctrl-C; a second Ctrl-C ends the process at once. */
  readonly signal: AbortSignal;
}

/** Adds one command (with its sub-commands) to the program. Each file in `commands/` exports one. */
export type AddCommand = (program: Command, context: () => Context) => void;
