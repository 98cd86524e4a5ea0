// `npm run sbom -- [FILE]`: a software bill of materials (CycloneDX 1.5) of what a user of Sepal runs: the npm packages
// of package-lock.json, and the plugins and weights that Sepal brings, each with its checksum.
import { join } from 'node:path';
import { execa } from 'execa';
import { z } from 'zod';
import { jsonText, SepalError, writeFile } from '../src/base/index.ts';
import { billOfMaterials, type Bill } from './sbom/bill.ts';
import { runScript, scriptCommand } from './script-command.ts';

const ROOT = join(import.meta.dirname, '..');

/** What npm's bill has to have for ours. */
const billSchema = z.looseObject({
  metadata: z.looseObject({ component: z.looseObject({ name: z.string() }) }),
  components: z.array(z.looseObject({ 'bom-ref': z.string() })),
});

await runScript(
  scriptCommand(
    'npm run sbom --',
    'Writes a bill of materials (CycloneDX) of npm packages, plugins and weights, with checksums and licences.',
    'npm run sbom -- sbom.cdx.json',
  )
    .argument('[file]', 'where it goes', 'sbom.cdx.json')
    .action(writeBill),
);

async function writeBill(path: string): Promise<void> {
  const args = ['sbom', '--sbom-format', 'cyclonedx', '--omit', 'dev', '--package-lock-only'];
  const { stdout, stderr, failed, shortMessage } = await execa('npm', args, { cwd: ROOT, reject: false });
  const parsed = jsonText.pipe(billSchema).safeParse(stdout ?? '');
  if (failed || !parsed.success) {
    throw new SepalError(
      'SBOM',
      `npm made no bill of materials: ${(stderr || shortMessage || stdout).trim().split('\n')[0]}`,
      {
        expected: 'npm 10 or newer on the path, which has `npm sbom`',
      },
    );
  }
  const bill = billOfMaterials(parsed.data as unknown as Bill);
  await writeFile(path, `${JSON.stringify(bill, undefined, 2)}\n`);
  console.log(`${bill.components.length} components in ${path}`);
}
