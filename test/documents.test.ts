import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import { silent } from '../src/base/index.ts';
import { codeList, errorCodes, LIST } from '../scripts/errors/codes.ts';
import { createProgram, leafCommands } from '../src/cli/program.ts';

const ROOT = join(import.meta.dirname, '..');
const DOCUMENTS = ['README.md', 'SECURITY.md', ...globSync('docs/*.md', { cwd: ROOT }).toSorted()];
const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> };

/** The commands of a document, as they stand in its code blocks and between backquotes. */
function commandsOf(text: string): string[] {
  const joined = text.replaceAll(/\\\n\s*/g, ' ');
  const blocks = [...joined.matchAll(/^(?: {4}|(?!\|))((?:npm (?:ci && npm )?(?:run|test)|sepal|node) .+)$/gm)];
  const spans = [...joined.matchAll(/`((?:npm run|npm test|sepal) [^`]+)`/g)];
  return [...blocks, ...spans].map(([, command]) =>
    command.replace(/\s+#.*$|\s{2,}.*$/, '').replace(/^npm ci && /, ''),
  );
}

/** Words as a shell has them, up to a pipe or the next command. */
function wordsOf(command: string): string[] {
  const words = command.match(/(?:[^\s'"]|'[^']*'|"[^"]*")+/g) ?? [];
  const end = words.findIndex((word) => ['|', '&&', '>', '<', ';'].includes(word));
  return (end < 0 ? words : words.slice(0, end)).map((word) => word.replaceAll(/['"]/g, ''));
}

/** What `sepal` gets, where a command is one of it. */
function argumentsOf(words: readonly string[]): readonly string[] | undefined {
  if (words[0] === 'sepal') return words.slice(1);
  return words[0] === 'npm' && words[2] === 'sepal' ? words.slice(4) : undefined;
}

/** Parses a command line by the program's own table, up to where it would do something. */
async function parse(words: readonly string[]): Promise<void> {
  const program = await createProgram([], () => ({ log: silent, signal: new AbortController().signal }));
  let reached = '';
  const leaves = leafCommands(program);
  for (const [name, leaf] of leaves) {
    leaf.configureOutput({ writeErr: () => {}, writeOut: () => {} });
    leaf.action(() => {
      reached = name;
    });
  }
  // A command that is only named: `sepal train`, `sepal data`.
  const named = words.join(' ');
  if (leaves.has(named) || [...leaves.keys()].some((name) => name.startsWith(`${named} `))) return;
  if (['--help', '--version'].includes(words.at(-1) ?? '')) return;
  await program.parseAsync(words, { from: 'user' });
  assert.notEqual(reached, '');
}

for (const document of DOCUMENTS) {
  suite(document, () => {
    const text = readFileSync(join(ROOT, document), 'utf8');
    const commands = [...new Set(commandsOf(text))];
    for (const command of commands) {
      test(`${command} is a command`, async () => {
        const words = wordsOf(command);
        const ours = argumentsOf(words);
        if (ours !== undefined) await parse(ours);
        else if (words[0] === 'npm') {
          const script = words[1] === 'run' ? words[2] : words[1];
          assert.ok(script in scripts, `package.json has no script ${script}`);
        } else assert.ok(words.slice(1).some((word) => existsSync(join(ROOT, word))), 'there is no such file'); // prettier-ignore
      });
    }

    test('leads to files that are there', () => {
      for (const [, path] of text.matchAll(/\]\((?!https?:)([\w./-]+)(?:#[\w-]+)?\)/g)) {
        assert.ok(existsSync(join(ROOT, dirname(document), path)), path);
      }
    });
  });
}

test('every command of the documents that starts a server, trains or converts was found', () => {
  const all = DOCUMENTS.flatMap((document) => commandsOf(readFileSync(join(ROOT, document), 'utf8')));
  for (const start of [
    'npm run sepal -- data convert',
    'npm run sepal -- train',
    'npm run sepal -- serve',
    'sepal plan',
    'npm run hostile',
  ]) {
    assert.ok(all.some((command) => command.startsWith(start)), start); // prettier-ignore
  }
});

suite('docs/errors.md', () => {
  const text = readFileSync(join(ROOT, 'docs', 'errors.md'), 'utf8');
  test('lists every code (npm run errors writes the list)', () => {
    assert.ok([...errorCodes().values()].flat().length > 150);
    assert.equal(LIST.exec(text)?.[0], codeList());
  });

  test('tells mends of errors that there are', () => {
    const sources = globSync('src/**/*.ts', { cwd: ROOT }).map((file) => readFileSync(join(ROOT, file), 'utf8'));
    const all = sources.join('\n');
    for (const row of text.matchAll(/^\| (`[A-Z].*?) \|/gm)) {
      for (const [, code] of row[1].matchAll(/`([A-Z\d_]+)`/g)) assert.ok(all.includes(`'${code}'`), code);
    }
  });
});
