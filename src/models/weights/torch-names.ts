import { InternalError } from '../../base/index.ts';
import type { VariableSpec } from '../../nn/index.ts';
import type { Model } from '../registry.ts';
import { torchLayout, type Layout, type Origin, type Placement, type Placements } from './placement.ts';

/** Which block of a network a layer belongs to; `index` counts all blocks of the pattern from 0. */
export interface BlockPlace {
  readonly stage: number;
  readonly block: number;
  readonly index: number;
}

/** Names of the layers of repeated blocks. */
export interface BlockNames {
  /** Our layer, with the groups `stage`, `block` (a number, or a letter: a is 1) and `part`, as far as there are any. */
  readonly pattern: RegExp;
  /** Their module before the part's name. */
  readonly module: (place: BlockPlace) => string;
  /** Their names of our parts; a block without parts is one layer. */
  readonly parts?: Readonly<Record<string, string>>;
}

/** Projects that our weights can be written for. */
export const TORCH_PROJECTS = ['timm', 'torchvision'] as const;
export type TorchProject = (typeof TORCH_PROJECTS)[number];

/** A PyTorch project's names of a family's variables. */
export interface TorchNames extends Origin {
  /** What the projects with these names call a network of ours; undefined for one that they don't have. */
  readonly architectures?: Partial<
    Record<TorchProject, (model: Pick<Model, 'name' | 'options'>) => string | undefined>
  >;
  readonly families: RegExp;
  /** Tensors by which such a file is known among the family's: many, as any one may be missing. */
  readonly marker: RegExp;
  /** Modules of the layers outside of blocks, by our layer's path. */
  readonly layers: Readonly<Record<string, string>>;
  readonly blocks: readonly BlockNames[];
  /** Variables that their network does without. */
  readonly zeros?: RegExp;
  /** Layouts that don't follow from the shape. */
  readonly layout?: (spec: VariableSpec) => Layout | undefined;
}

/** PyTorch's names of our variables. */
const LEAVES: Readonly<Record<string, string>> = {
  kernel: 'weight',
  bias: 'bias',
  gamma: 'weight',
  beta: 'bias',
  moving_mean: 'running_mean',
  moving_variance: 'running_var',
};

/** Counts batches; only networks that average statistics over all of them read it. */
const BATCH_COUNTER = /\.num_batches_tracked$/;

/** The places of a model's variables in a file with a project's names. */
export function torchPlacements(names: TorchNames, variables: readonly VariableSpec[]): Placements {
  const seen = names.blocks.map(() => new Map<string, number>());
  const places = variables.map((spec): [string, Placement | 'zeros'] => {
    if (names.zeros?.test(spec.path) === true) return [spec.path, 'zeros'];
    const cut = spec.path.lastIndexOf('/');
    const module = moduleOf(names, spec.path.slice(0, cut), seen);
    const leaf = LEAVES[spec.path.slice(cut + 1)];
    // A variable that is a whole layer, such as a scale, has the layer's name.
    const name = leaf === undefined ? module : `${module}.${leaf}`;
    return [spec.path, { name, layout: names.layout?.(spec) ?? torchLayout(spec) }];
  });
  return { of: new Map(places), ignored: (name) => BATCH_COUNTER.test(name) };
}

function moduleOf(names: TorchNames, layer: string, seen: readonly Map<string, number>[]): string {
  const known = names.layers[layer];
  if (known !== undefined) return known;
  for (const [i, { pattern, module, parts }] of names.blocks.entries()) {
    const groups = pattern.exec(layer)?.groups;
    if (groups === undefined) continue;
    const { stage = '', block = '', part } = groups;
    const key = `${stage}/${block}`;
    const index = seen[i].get(key) ?? seen[i].size;
    seen[i].set(key, index);
    const prefix = module({ stage: ordinal(stage), block: ordinal(block), index });
    if (parts === undefined) return prefix;
    if (parts[part] !== undefined) return `${prefix}.${parts[part]}`;
  }
  // A layer of our own, such as a hidden one before the classifier: no file has it.
  return layer;
}

const ordinal = (text: string): number => (/^[a-z]$/.test(text) ? text.charCodeAt(0) - 96 : Number(text));

/** The first of the tables that a file of a family follows. */
export function findTorchNames(
  all: readonly TorchNames[],
  family: string,
  tensors: Iterable<string>,
): TorchNames | undefined {
  const names = [...tensors];
  return all.find(({ families, marker }) => families.test(family) && names.some((name) => marker.test(name)));
}

/** Every tensor of our model has one name of theirs: otherwise a table is wrong. */
export function assertDistinct({ of }: Placements): void {
  const names = [...of.values()].flatMap((place) => (place === 'zeros' ? [] : [place.name]));
  if (new Set(names).size !== names.length) throw new InternalError('two variables have one name in a weight file');
}
