// `npm run check:package -- [VERSION…]`: packs the package as it is published, installs it by npm into an empty project for each
// version of Node (22.18.0, 24 and 26 by default; `current` is the one that runs this), and uses it there: every subpath is
// imported, the command starts, the examples run. The examples are type-checked against the published types. Exit status 1 if
// anything fails.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findPlugin } from '../src/assets/index.ts';
import { formatBytes, formatTable } from '../src/base/index.ts';
import { unnamedTypes } from './package/declarations.ts';
import { manifestProblems } from './package/manifest-check.ts';
import { installNode, npm } from './package/node-binary.ts';
import { run } from './process.ts';
import { addExamples, folderBytes, importAll, makeProject, runNode, typeCheck } from './package/project.ts';
import { packInto } from './package/tarball.ts';

const ROOT = join(import.meta.dirname, '..');
/** The oldest one that `engines` allows, and the newest of the even ones. */
const VERSIONS = ['22.18.0', '24', '26'];
/** The last compiler in JavaScript, which most projects still have; our own is newer. */
const TYPESCRIPT = '5.9';

const status = await run(process.execPath, [join(ROOT, 'scripts', 'build.ts')], ROOT);
if (status !== 0) process.exit(status);

const folder = await mkdtemp(join(tmpdir(), 'sepal-package-'));
try {
  const { path, files, packed, unpacked } = packInto(folder, ROOT);
  console.log(`${files} files, ${formatBytes(packed)} packed, ${formatBytes(unpacked)} unpacked`);
  const problems = await manifestProblems(path);
  for (const problem of problems) console.log(problem);
  if (problems.length > 0) throw new Error('the manifest has problems');
  console.log('publint, Are The Types Wrong (ES modules): clean');

  const hasPlugin = await findPlugin('cpu').then(
    () => true,
    () => false,
  );
  const wanted = process.argv.slice(2);
  const rows: string[][] = [];
  for (const [n, version] of (wanted.length > 0 ? wanted : VERSIONS).entries()) {
    const node = version === 'current' ? process.execPath : await installNode(version, folder);
    const started = performance.now();
    const project = await makeProject(join(folder, `project-${version}`), node, path);
    const seconds = (performance.now() - started) / 1000;
    const size = await folderBytes(join(project.folder, 'node_modules'));
    const subpaths = await importAll(project);
    runNode(project, [join('node_modules', '.bin', 'sepal'), '--version']);
    const examples = await addExamples(project, join(ROOT, 'examples'));
    if (n === 0) {
      npm(node, ['install', '--save-dev', `typescript@${TYPESCRIPT}`, '@types/node@24'], project.folder);
      const compilers = [project.folder, ROOT].map((at) => join(at, 'node_modules', 'typescript', 'bin', 'tsc'));
      console.log(`types: ${(await typeCheck(project, compilers)).join('; ')}`);
      const unnamed = await unnamedTypes(project, compilers[0]);
      if (unnamed !== '') throw new Error(`types of signatures that no subpath exports:\n${unnamed}`);
    }
    for (const example of hasPlugin ? examples : []) runNode(project, ['--no-warnings', example]);
    rows.push([
      runNode(project, ['--version']).trim(),
      `${seconds.toFixed(0)} s, ${formatBytes(size)}`,
      `${subpaths} by import and require`,
      hasPlugin ? `${examples.length} ran` : 'not run: they need the CPU plugin (sepal plugin install cpu)',
    ]);
  }
  console.log(`\n${formatTable([['Node', 'npm install', 'subpaths', 'examples'], ...rows])}`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true });
}
