// `npm run docs`: the reference of the public API, as pages in dist-docs. An export without a doc comment, and a link that leads
// nowhere, are errors. TypeDoc needs a compiler in JavaScript, which is not ours: both are installed apart, at these versions.
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { npm } from './package/node-binary.ts';
import { run } from './process.ts';
import { runScript, scriptCommand } from './script-command.ts';

const ROOT = join(import.meta.dirname, '..');
const TOOLS = join(ROOT, 'node_modules', '.docs-tools');
const PACKAGES = { typedoc: '0.28.20', typescript: '6.0.3' };

await runScript(
  scriptCommand('npm run docs', 'Writes the reference of the public API into dist-docs, by TypeDoc.', 'npm run docs').action(writeReference), // prettier-ignore
);

async function writeReference(): Promise<void> {
  const manifest = JSON.stringify({ private: true, dependencies: PACKAGES });
  const known = await readFile(join(TOOLS, 'wanted.json'), 'utf8').catch(() => '');
  if (known !== manifest) {
    await mkdir(TOOLS, { recursive: true });
    await writeFile(join(TOOLS, 'package.json'), manifest);
    npm(process.execPath, ['install'], TOOLS);
    await writeFile(join(TOOLS, 'wanted.json'), manifest);
  }

  const { exports } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
    exports: Record<string, { readonly default?: string } | string>;
  };
  const doors = Object.values(exports).flatMap((target) => (typeof target === 'string' ? [] : (target.default ?? [])));
  const entryPoints = doors.map((file) => join(ROOT, file.replace('./dist/', 'src/').replace(/\.js$/, '.ts')));
  for (const file of entryPoints) if (!existsSync(file)) throw new Error(`there is no ${file}`);

  const options = {
    name: 'Sepal',
    readme: 'none',
    entryPoints,
    out: join(ROOT, 'dist-docs'),
    tsconfig: join(ROOT, 'tsconfig.json'),
    disableGit: true,
    disableSources: true,
    validation: { notDocumented: true, invalidLink: true, notExported: false },
    requiredToBeDocumented: ['Class', 'Enum', 'Function', 'Interface', 'TypeAlias', 'Variable'],
    // What they add to a function, or rename, is told where they stand.
    intentionallyNotDocumented: ['train.compileEvaluator.__type.dispose', 'train.compilePredictor.__type.dispose', 'nn.ACTIVATIONS.__type.relu'], // prettier-ignore
    treatWarningsAsErrors: true,
  };
  const file = join(TOOLS, 'options.json');
  await writeFile(file, JSON.stringify(options));
  const typedoc = join(TOOLS, 'node_modules', 'typedoc', 'bin', 'typedoc');
  process.exitCode = await run(process.execPath, [typedoc, '--options', file], ROOT);
}
