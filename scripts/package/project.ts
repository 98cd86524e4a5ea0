import { execFileSync } from 'node:child_process';
import { cp, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { npm } from './node-binary.ts';

/** A project that has the package installed, and nothing else. */
export interface Project {
  readonly folder: string;
  readonly node: string;
}

/** Installs the packed package into an empty project, by npm, as anybody would. */
export async function makeProject(folder: string, node: string, tarball: string): Promise<Project> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'project', private: true, type: 'module' }));
  npm(node, ['install', tarball], folder);
  return { folder, node };
}

/** Runs Node in the project; gives what it prints. @throws where it fails, with what it said. */
export function runNode({ folder, node }: Project, args: readonly string[]): string {
  return execFileSync(node, args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Every subpath of the installed package that is a module, such as `sepal/xla`. */
export async function subpathsOf({ folder }: Project): Promise<string[]> {
  const manifest = await readFile(join(folder, 'node_modules', 'sepal', 'package.json'), 'utf8');
  const { exports } = JSON.parse(manifest) as { exports: Record<string, unknown> };
  return Object.keys(exports)
    .filter((path) => path !== './package.json')
    .map((path) => path.replace('.', 'sepal'));
}

/** Imports every subpath as an ES module and by `require`; gives how many there are. */
export async function importAll(project: Project): Promise<number> {
  const names = await subpathsOf(project);
  const counting = 'if (names.some((name) => name.length === 0)) process.exit(1);';
  const imports = names.map((name) => `await import('${name}')`).join(', ');
  runNode(project, ['--input-type=module', '--eval', `const names = [${imports}].map(Object.keys); ${counting}`]);
  const requires = names.map((name) => `require('${name}')`).join(', ');
  runNode(project, ['--input-type=commonjs', '--eval', `const names = [${requires}].map(Object.keys); ${counting}`]);
  return names.length;
}

/** Modes that TypeScript resolves packages of ES modules in. */
const MODES = { node16: 'node16', bundler: 'esnext' } as const;

/** Type-checks the examples against the installed types, those included, in every mode and by each of the compilers. */
export async function typeCheck({ folder, node }: Project, compilers: readonly string[]): Promise<string[]> {
  const checked: string[] = [];
  for (const [moduleResolution, module] of Object.entries(MODES)) {
    const compilerOptions = {
      strict: true,
      // Whoever begins with `tsc --init` has these two as well.
      noUncheckedIndexedAccess: true,
      exactOptionalPropertyTypes: true,
      module,
      moduleResolution,
      target: 'es2024',
      lib: ['es2024', 'esnext.disposable'],
      types: ['node'],
      skipLibCheck: false,
      noEmit: true,
    };
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
    for (const compiler of compilers) {
      const version = execFileSync(node, [compiler, '--version'], { encoding: 'utf8' }).trim().replace('Version', 'TypeScript'); // prettier-ignore
      execFileSync(node, [compiler, '--project', folder], { stdio: ['ignore', 'inherit', 'inherit'] });
      checked.push(`${version}, ${moduleResolution}`);
    }
  }
  return checked;
}

/** Copies the examples into the project; gives their names. */
export async function addExamples({ folder }: Project, from: string): Promise<string[]> {
  const names = (await readdir(from)).filter((name) => name.endsWith('.ts'));
  for (const name of names) await cp(join(from, name), join(folder, name));
  return names;
}

/** Bytes of all files in a folder. */
export async function folderBytes(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name))).size;
  }
  return bytes;
}
