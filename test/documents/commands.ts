import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..', '..');

/** What people read. */
export const DOCUMENTS = ['README.md', 'SECURITY.md', ...globSync('docs/*.md', { cwd: ROOT }).toSorted()];

/** A command line of a document. */
export interface DocumentCommand {
  readonly text: string;
  /** In a code block; else it stands between backquotes. */
  readonly isBlock: boolean;
  /** Only named, with what it does beside it. */
  readonly isName: boolean;
}

/** Programs by which a line of an indented block is a command; others are listings and drawings. */
const PROGRAMS = /^(?:npm|npx|sepal|node|curl|eval|source|pip|git)\s/;
const SPAN = /`((?:npm (?:run|test|ci)|npx|sepal|node) [^`]+)`/g;
const SHELLS = new Set(['sh', 'bash']);

export const readDocument = (document: string): string => readFileSync(join(ROOT, document), 'utf8');

/** The command lines of a document, in its order, each once. */
export function commandsOf(text: string): DocumentCommand[] {
  const commands = new Map<string, DocumentCommand>();
  const add = (line: string, isBlock: boolean) => {
    // `sepal train      a recipe or flags → a run folder`
    const [command, rest] = line
      .replace(/\s+#.*$/, '')
      .trim()
      .split(/\s{2,}/, 2);
    if (!commands.has(command)) commands.set(command, { text: command, isBlock, isName: rest !== undefined });
  };
  let language: string | undefined;
  for (const line of text.replaceAll(/\s*\\\n\s*/g, ' ').split('\n')) {
    const fence = /^```(\w*)/.exec(line);
    if (fence !== null) {
      language = language === undefined ? fence[1] : undefined;
    } else if (language !== undefined) {
      if (SHELLS.has(language) && !/^\s*(?:#|$)/.test(line)) add(line.trim(), true);
    } else if (line.startsWith('    ')) {
      if (PROGRAMS.test(line.trim())) add(line.trim(), true);
    } else {
      for (const [, span] of line.matchAll(SPAN)) add(span, false);
    }
  }
  return [...commands.values()];
}

/** Words as a shell has them, up to a pipe or the next command. */
export function wordsOf(command: string): string[] {
  const words = command.match(/(?:[^\s'"]|'[^']*'|"[^"]*")+/g) ?? [];
  const end = words.findIndex((word) => ['|', '&&', '>', '<', ';'].includes(word));
  return (end < 0 ? words : words.slice(0, end)).map((word) => word.replaceAll(/['"]/g, ''));
}

/** What `sepal` gets, where a command is one of it. */
export function sepalArguments(command: string): readonly string[] | undefined {
  const words = wordsOf(command);
  if (words[0] === 'npx') words.shift();
  if (words[0] === 'sepal') return words.slice(1);
  return words[1] === 'run' && words[2] === 'sepal' ? words.slice(4) : undefined;
}
