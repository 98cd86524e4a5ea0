import { PLUGINS } from '../../src/assets/index.ts';
import { WEIGHTS, type WeightsRow } from '../../src/models/index.ts';

/** A part of a CycloneDX document, as far as we look at it. */
export interface Component {
  readonly 'bom-ref': string;
  readonly type: string;
  readonly name: string;
  readonly version?: string;
  readonly scope?: string;
  readonly description?: string;
  readonly purl?: string;
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
  readonly licenses?: readonly unknown[];
}

export interface Bill {
  readonly metadata: { readonly component: Component };
  readonly components: readonly Component[];
}

/** The bill that npm made, under our own name, with what Sepal brings besides npm's packages. */
export function billOfMaterials(bill: Bill): Bill {
  const { metadata } = bill;
  return {
    ...bill,
    // npm takes the folder's name.
    metadata: { ...metadata, component: { ...metadata.component, name: 'sepal' } },
    components: [...bill.components, ...PLUGINS.map(pluginComponent), ...WEIGHTS.map(weightsComponent)],
  };
}

const licence = (name: string) => [{ license: { name } }];
const pypi = ({ package: name, version }: { package: string; version: string }) => `pkg:pypi/${name}@${version}`;

function pluginComponent({ name, wheel, licence: terms, provenance }: (typeof PLUGINS)[number]): Component {
  return {
    'bom-ref': `plugin:${name}`,
    type: 'library',
    name: wheel.package,
    version: wheel.version,
    // Brought by `sepal plugin install`, not by npm.
    scope: 'optional',
    description: `PJRT plugin "${name}": ${provenance}`,
    purl: pypi(wheel),
    hashes: [{ alg: 'SHA-256', content: wheel.sha256 }],
    licenses: licence(terms),
  };
}

function weightsComponent({ model, tag, file, checksum, licence: terms, provenance, from }: WeightsRow): Component {
  return {
    'bom-ref': `weights:${model}:${tag}`,
    type: 'machine-learning-model',
    name: file,
    scope: 'optional',
    description: `${tag} weights of ${model}: ${provenance}`,
    ...('wheel' in from && { purl: pypi(from.wheel.wheel) }),
    hashes: hashesOf(checksum),
    licenses: licence(terms),
  };
}

/** The first digits of a hash, which some publishers give, are none that the format knows. */
function hashesOf(checksum: WeightsRow['checksum']): { alg: string; content: string }[] {
  if ('sha256' in checksum) return [{ alg: 'SHA-256', content: checksum.sha256 }];
  return 'md5' in checksum ? [{ alg: 'MD5', content: checksum.md5 }] : [];
}
