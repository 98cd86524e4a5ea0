// `npm run sbom -- [FILE]`: a software bill of materials (CycloneDX 1.5) of what a user of Sepal runs: the npm packages
// of package-lock.json, and the plugins and weights that Sepal brings, each with its checksum.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { writeFile } from '../src/base/index.ts';
import { billOfMaterials, type Bill } from './sbom/bill.ts';

const ROOT = join(import.meta.dirname, '..');
const path = process.argv[2] ?? 'sbom.cdx.json';
const { stdout } = await promisify(execFile)(
  'npm',
  ['sbom', '--sbom-format', 'cyclonedx', '--omit', 'dev', '--package-lock-only'],
  { cwd: ROOT, maxBuffer: 2 ** 26 },
);
const bill = billOfMaterials(JSON.parse(stdout) as Bill);
await writeFile(path, `${JSON.stringify(bill, undefined, 2)}\n`);
console.log(`${bill.components.length} components in ${path}`);
