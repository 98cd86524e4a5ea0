import { readFile } from 'node:fs/promises';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';

/**
 * What Are The Types Wrong finds in a package of ES modules: `require` of them works since Node 22.12, but TypeScript's oldest
 * modes know neither that nor subpaths.
 */
const OTHER_MODES = new Set(['node10', 'node16-cjs']);

/** Problems that publint and Are The Types Wrong find in a packed package, a line each. */
export async function manifestProblems(tarball: string): Promise<string[]> {
  const bytes = await readFile(tarball);
  const { messages, pkg } = await publint({ pack: { tarball: Uint8Array.from(bytes).buffer }, strict: true });
  const found = messages
    .filter(({ type }) => type !== 'suggestion')
    .map((message) => formatMessage(message, pkg, { color: false }) ?? message.code);
  const analysis = await checkPackage(createPackageFromTarballData(bytes));
  if (analysis.types === false) return [...found, 'the package has no types'];
  for (const problem of analysis.problems) {
    if ('resolutionKind' in problem && OTHER_MODES.has(problem.resolutionKind)) continue;
    const place = 'entrypoint' in problem ? ` at ${problem.entrypoint} (${problem.resolutionKind})` : '';
    found.push(`${problem.kind}${place}`);
  }
  return found;
}
