import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { PLUGINS } from '../src/assets/index.ts';
import { WEIGHTS } from '../src/models/index.ts';
import { billOfMaterials } from '../scripts/sbom/bill.ts';

const ROOT = join(import.meta.dirname, '..');
const read = (name: string): unknown => JSON.parse(readFileSync(join(ROOT, name), 'utf8'));

interface LockedPackage {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly hasInstallScript?: boolean;
  readonly dev?: boolean;
  readonly optional?: boolean;
}

const manifest = read('package.json') as { scripts: Record<string, string>; dependencies: Record<string, string> };
const lock = read('package-lock.json') as { packages: Record<string, LockedPackage> };
const packages = Object.entries(lock.packages).filter(([path]) => path !== '');

test('nothing of ours runs at install', () => {
  const hooks = /^(pre|post)?(install|prepare)$/;
  assert.deepEqual(Object.keys(manifest.scripts).filter((name) => hooks.test(name)), []); // prettier-ignore
});

test('of what users install, two packages have a script, and it only looks for a file that they bring', () => {
  const scripted = packages.filter(([, { hasInstallScript, dev }]) => hasInstallScript === true && dev !== true);
  assert.deepEqual(scripted.map(([path]) => path), ['node_modules/@julusian/jpeg-turbo', 'node_modules/koffi']); // prettier-ignore
});

test('every package of the lock file comes from a registry and is pinned', () => {
  for (const [path, { version, resolved, integrity, optional }] of packages) {
    assert.match(version ?? '', /^\d+\.\d+\.\d+/, path);
    assert.doesNotMatch(resolved ?? '', /^(git|http:|file:)/, path);
    // Packages of other platforms, which the registry that wrote the lock file may not have had.
    if (optional !== true) assert.match(integrity ?? '', /^sha512-/, path);
  }
  for (const range of Object.values(manifest.dependencies)) assert.match(range, /^\^\d/);
});

test('every plugin and every file of weights is pinned to its bytes', () => {
  for (const { wheel } of PLUGINS) assert.match(wheel.sha256, /^[\da-f]{64}$/);
  for (const { checksum, file } of WEIGHTS) {
    if ('sha256' in checksum) assert.match(checksum.sha256, /^[\da-f]{64}$/, file);
    else if ('md5' in checksum) assert.match(checksum.md5, /^[\da-f]{32}$/, file);
    // timm's releases have the first digits in their files' names, and no more is published.
    else assert.ok(/^[\da-f]{8}$/.test(checksum.sha256Start) && file.includes(checksum.sha256Start), file);
  }
});

test('the bill of materials has them beside the packages, each under a name of its own', () => {
  const sepal = { 'bom-ref': 'sepal', type: 'library', name: 'some-folder' };
  const { metadata, components } = billOfMaterials({ metadata: { component: sepal }, components: [] });
  assert.equal(metadata.component.name, 'sepal');
  assert.equal(components.length, PLUGINS.length + WEIGHTS.length);
  assert.equal(new Set(components.map((component) => component['bom-ref'])).size, components.length);
  for (const { hashes, licenses } of components) assert.ok((hashes?.length ?? 2) <= 1 && licenses?.length === 1);
});
