import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import type { Command } from 'commander';
import { silent } from '../src/base/index.ts';
import { codeList, errorCodes, LIST } from '../scripts/errors/codes.ts';
import { createProgram, leafCommands } from '../src/cli/program.ts';
import { commandsOf, DOCUMENTS, readDocument, ROOT, sepalArguments } from './documents/commands.ts';

const { scripts, files } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
  files: string[];
};

/** Whether the published package has a file or a folder, by the manifest's list of names and `FOLDER/*.ts`. */
const isPublished = (path: string): boolean =>
  files.some((each) => {
    const folder = dirname(each);
    if (each.endsWith('/*.ts') && dirname(path) === folder) return path.endsWith('.ts');
    return path === each || path === folder || path.startsWith(`${each}/`);
  });

const contextOf = () => ({ log: silent, signal: new AbortController().signal });
const whole = await createProgram([], contextOf);

/** Parses a command line by the program's own table, up to where it would do something. */
async function parse(words: readonly string[]): Promise<void> {
  const program = await createProgram([], contextOf);
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
    const text = readDocument(document);
    for (const { text: command } of commandsOf(text)) {
      const ours = sepalArguments(command);
      const script = /npm run ([\w:]+)/.exec(command)?.[1];
      if (ours === undefined && script === undefined) continue;
      test(`${command} is a command`, async () => {
        if (ours !== undefined) await parse(ours);
        else assert.ok(script !== undefined && script in scripts, `package.json has no script ${script}`);
      });
    }

    test('leads to files that are there', () => {
      for (const [, path] of text.matchAll(/\]\((?!https?:)([\w./-]+)(?:#[\w-]+)?\)/g)) {
        const file = join(dirname(document), path);
        assert.ok(existsSync(join(ROOT, file)), file);
        assert.ok(!isPublished(document) || isPublished(file), `the package has ${document}, but not ${file}`);
      }
    });
  });
}

test('every command of the documents that starts a server, trains or converts was found', () => {
  const all = DOCUMENTS.flatMap((document) => commandsOf(readDocument(document)).map(({ text }) => text));
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

suite('--help', () => {
  for (const [name, leaf] of leafCommands(whole)) {
    test(`of ${name} has an example that is a command`, async () => {
      let help = '';
      leaf.configureOutput({ writeOut: (text) => (help += text) });
      leaf.outputHelp();
      const examples = [...help.matchAll(/^ {2}(sepal .+)$/gm)].map(([, command]) => command);
      assert.ok(examples.length > 0, help);
      for (const example of examples) await parse(sepalArguments(example) ?? []);
    });
  }

  test('is pointed to by a name that is nearly one: of a command, a sub-command, an option, a choice', async () => {
    for (const [words, near] of [
      [['trian'], 'train'],
      [['data', 'inof'], 'info'],
      [['train', '--epoch', '3'], '--epochs'],
    ] as const) {
      let errors = '';
      const wrong = await createProgram([...words], contextOf);
      const quiet = (command: Command) => {
        command.configureOutput({ writeErr: (text) => (errors += text) });
        command.commands.forEach(quiet);
      };
      quiet(wrong);
      await assert.rejects(wrong.parseAsync([...words], { from: 'user' }));
      assert.ok(errors.includes(`Did you mean ${near}?`), errors);
    }
  });
});

suite('docs/errors.md', () => {
  const text = readFileSync(join(ROOT, 'docs', 'errors.md'), 'utf8');
  test('lists every code (npm run errors writes the list)', () => {
    assert.ok([...errorCodes().values()].flat().length > 150);
    assert.equal(LIST.exec(text)?.[0], codeList());
    // Some are no literal where the error is made: what tests expect must be among them all the same. Those of the system begin with E.
    const listed = new Set([...errorCodes().values()].flat());
    const served = readFileSync(join(ROOT, 'docs', 'serving.md'), 'utf8');
    for (const file of globSync('{src,test}/**/*.test.ts', { cwd: ROOT })) {
      for (const [, code] of readFileSync(join(ROOT, file), 'utf8').matchAll(/\bcode: '([A-DF-Z][A-Z\d_]+)'/g)) {
        assert.ok(listed.has(code) || served.includes(`\`${code}\``), `${code} of ${file} is not listed`);
      }
    }
  });

  test('tells mends of errors that there are', () => {
    const sources = globSync('src/**/*.ts', { cwd: ROOT }).map((file) => readFileSync(join(ROOT, file), 'utf8'));
    const all = sources.join('\n');
    for (const row of text.matchAll(/^\| (`[A-Z].*?) \|/gm)) {
      for (const [, code] of row[1].matchAll(/`([A-Z\d_]+)`/g)) assert.ok(all.includes(`'${code}'`), code);
    }
  });
});
