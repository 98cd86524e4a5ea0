import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runNode, subpathsOf, type Project } from './project.ts';

/**
 * Checks that what the package gives can be named: a project that wraps a function of it, and emits declarations of its own, needs
 * every type of the function's signature from a subpath.
 *
 * @returns What the compiler says of those that none exports.
 */
export async function unnamedTypes(project: Project, compiler: string): Promise<string> {
  const folder = join(project.folder, 'declarations');
  await mkdir(folder, { recursive: true });
  for (const [n, subpath] of (await subpathsOf(project)).entries()) {
    const list = `import('${subpath}').then((module) => console.log(JSON.stringify(Object.entries(module).map(([name, value]) => [name, typeof value === 'function' && !/^class\\b/.test(Function.prototype.toString.call(value))]))))`;
    const values = JSON.parse(runNode(project, ['--input-type=module', '--eval', list])) as [string, boolean][];
    const lines = values.flatMap(([name, isFunction]) => [
      `export const given_${name} = all.${name};`,
      ...(isFunction
        ? [
            `export const result_${name} = (x: Awaited<ReturnType<typeof all.${name}>>) => x;`,
            `export const given_to_${name} = (...x: Parameters<typeof all.${name}>) => x;`,
          ]
        : []),
    ]);
    await writeFile(join(folder, `part${n}.ts`), [`import * as all from '${subpath}';`, ...lines, ''].join('\n'));
  }
  const compilerOptions = {
    strict: true,
    module: 'nodenext',
    target: 'es2024',
    lib: ['es2024', 'esnext.disposable'],
    types: ['node'],
    declaration: true,
    emitDeclarationOnly: true,
    outDir: 'out',
  };
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
  try {
    execFileSync(project.node, [compiler, '--project', folder], { encoding: 'utf8' });
    return '';
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
}
