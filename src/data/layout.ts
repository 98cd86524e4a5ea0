import { didYouMean } from '../base/index.ts';
import { DataError } from './data-error.ts';
import { kindOf, type FeatureKind, type Features } from './example.ts';

/** Which features of a record hold the encoded image, the class number and the name of the photo. */
export interface Layout {
  readonly name: string;
  readonly image: string;
  readonly label: string | undefined;
  readonly id: string | undefined;
}

/** Feature names given by the user, for records in a layout of their own. */
export interface FeatureNames {
  readonly image?: string;
  readonly label?: string;
  readonly id?: string;
}

/** What is known of records whose layout is looked for. */
export interface LayoutOptions {
  readonly names?: FeatureNames;
  readonly labelsRequired?: boolean;
  /** They may have no labels where others of their data set have, even if the feature is named: those of a test split. */
  readonly labelsMayLack?: boolean;
}

/** The layouts known by name, most telling first. `image/class/label` only exists in TF-Slim's. */
const KNOWN = [
  {
    name: 'TF-Slim',
    image: ['image/encoded'],
    label: ['image/class/label'],
    id: ['image/filename', 'image/source_id'],
  },
  { name: 'Kaggle', image: ['image'], label: ['class'], id: ['id', 'image_name'] },
  { name: 'TFDS', image: ['image'], label: ['label'], id: ['id', 'tfds_id', 'image/filename', 'file_name'] },
] as const;

/** What is taken from a record, and the kinds of feature that it is taken from. */
const ROLES = [
  ['image', 'bytes'],
  ['label', 'int64'],
  ['id', 'bytes', 'int64'],
] as const;

/** Kinds of the features seen in some records; a kind beats `unset`, which may be a missing value only. */
export type FeatureKinds = ReadonlyMap<string, FeatureKind>;

export function collectKinds(records: Iterable<Features>): FeatureKinds {
  const kinds = new Map<string, FeatureKind>();
  for (const features of records) {
    for (const [name, feature] of Object.entries(features)) {
      const kind = kindOf(feature);
      if (kind !== 'unset' || !kinds.has(name)) kinds.set(name, kind);
    }
  }
  return kinds;
}

/**
 * Finds the image, label and id features by their names and kinds.
 *
 * @throws DataError `NOT_AN_IMAGE_SET` or `NO_LABELS`, with the features that are there.
 */
export function detectLayout(kinds: FeatureKinds, file: string, options: LayoutOptions = {}): Layout {
  const { names: given = {}, labelsRequired = false, labelsMayLack = false } = options;
  const has = (name: string, kind: FeatureKind) => kinds.get(name) === kind;
  const isUnlabelled = labelsMayLack && given.label !== undefined && !has(given.label, 'int64');
  const names: FeatureNames = isUnlabelled ? { ...given, label: undefined } : given;
  const find = (candidates: readonly string[], kind: FeatureKind) => candidates.find((name) => has(name, kind));

  for (const [role, ...allowed] of ROLES) {
    const name = names[role];
    if (name !== undefined && !allowed.some((kind) => has(name, kind)))
      throw missing(file, kinds, [name], allowed[0], role);
  }

  const fits = KNOWN.filter((known) => names.image !== undefined || find(known.image, 'bytes') !== undefined);
  const known = fits.find((candidate) => find(candidate.label, 'int64') !== undefined) ?? fits[0];
  if (known === undefined) throw missing(file, kinds, ['image', 'image/encoded'], 'bytes', 'image');
  const layout: Layout = {
    name: given.image === undefined && given.label === undefined ? known.name : 'custom',
    image: names.image ?? find(known.image, 'bytes')!,
    label: isUnlabelled ? undefined : (names.label ?? find(known.label, 'int64')),
    id: names.id ?? find(known.id, 'bytes') ?? find(known.id, 'int64'),
  };
  if (labelsRequired && layout.label === undefined) {
    const labels = fits.filter((fit) => fit.image[0] === layout.image).flatMap((fit) => [...fit.label]);
    throw missing(file, kinds, labels.length > 0 ? labels : ['class', 'label'], 'int64', 'label');
  }
  return layout;
}

function missing(
  file: string,
  kinds: FeatureKinds,
  wanted: readonly string[],
  kind: FeatureKind,
  role: 'image' | 'label' | 'id',
): DataError {
  const code = role === 'image' ? 'NOT_AN_IMAGE_SET' : role === 'label' ? 'NO_LABELS' : 'NO_IDS';
  const quoted = wanted.map((name) => `"${name}"`).join(' or ');
  const received = [...kinds].map(([name, found]) => `${name} (${found})`).toSorted();
  const ofKind = [...kinds].filter(([, found]) => found === kind).map(([name]) => name);
  const near = wanted.length === 1 ? `${didYouMean(wanted[0], ofKind)}; ` : '';
  return new DataError(code, `no feature ${quoted} of kind ${kind} to take the ${role} from`, {
    place: { file },
    received: received.length === 0 ? 'records without any feature' : received.join(', '),
    hint: ofKind.length === 0 ? `no feature is of kind ${kind}` : `${near}name the feature with --${role}-feature`,
  });
}
