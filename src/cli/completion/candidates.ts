import type { Command, Option } from 'commander';

/** What may stand in a word's place, and what it means. */
export interface Candidate {
  readonly word: string;
  readonly description: string;
}

export interface Candidates {
  readonly words: readonly Candidate[];
  /** Whether the name of a file or folder may stand there too. */
  readonly files: boolean;
}

/** What may stand in the place of the last of the words behind the program's name; that one may be empty or begun. */
export function candidates(program: Command, words: readonly string[]): Candidates {
  const begun = words.at(-1) ?? '';
  let command = program;
  let argument = 0;
  let pending: Option | undefined;
  for (const word of words.slice(0, -1)) {
    if (pending !== undefined) {
      pending = undefined;
    } else if (word.startsWith('-')) {
      pending = word.includes('=') ? undefined : valued(command, word);
    } else {
      const next = command.commands.find((child) => child.name() === word);
      if (next === undefined) argument++;
      else command = next;
    }
  }
  if (pending !== undefined) return choices(pending.argChoices, begun);
  if (begun.startsWith('-')) return { words: matching(optionsOf(command).flatMap(longForm), begun), files: false };
  if (command.commands.length > 0) return { words: matching(command.commands.map(described), begun), files: false };
  const expected = command.registeredArguments[Math.min(argument, command.registeredArguments.length - 1)];
  return expected === undefined ? { words: [], files: false } : choices(expected.argChoices, begun);
}

/** The option that a word names, where the next word is its value. */
function valued(command: Command, word: string): Option | undefined {
  const option = optionsOf(command).find(({ short, long }) => word === short || word === long);
  return option !== undefined && (option.required || option.optional) ? option : undefined;
}

/** A command's options, those of the commands above it, and the help. */
function optionsOf(command: Command): readonly Option[] {
  const above = command.parent === null ? [] : optionsOf(command.parent);
  return [...command.options.filter(({ hidden }) => !hidden), ...above];
}

const longForm = ({ long, description }: Option): Candidate[] =>
  typeof long === 'string' ? [{ word: long, description }] : [];

const described = (command: Command): Candidate => ({ word: command.name(), description: command.description() });

function choices(list: readonly string[] | undefined, begun: string): Candidates {
  if (list === undefined) return { words: [], files: true };
  return {
    words: matching(
      list.map((word) => ({ word, description: '' })),
      begun,
    ),
    files: false,
  };
}

const matching = (list: readonly Candidate[], begun: string): Candidate[] =>
  list.filter(({ word }) => word.startsWith(begun));
