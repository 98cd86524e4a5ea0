import { kerasVariables } from '../keras.ts';
import { IMAGENET, type Preprocess } from '../preprocess.ts';
import { findFamily, type Model } from '../registry.ts';
import type { KerasLayer } from './hdf5.ts';
import { AS_IT_IS, type Placement, type Placements } from './placement.ts';
import { float32Of } from './stored-tensor.ts';
import type { TensorFile } from './tensor-file.ts';

type KerasModel = NonNullable<TensorFile['keras']>;

/**
 * The places of a model's variables in a Keras file: by the layers' names, the classifier's too where it is the only dense layer
 * that is left, and by their order in `.h5` files whose layers all have other names. ResNets of Keras before 2.2.4 have theirs in
 * another order as well, and are refused for their shapes.
 */
export function kerasPlacements(model: Model, file: KerasModel): Placements {
  const ours = ourLayers(model, file.ordered);
  const theirs = file.layers.filter(({ tensors }) => tensors.length > 0);
  const pairs = pairLayers([...ours.keys()], theirs, file.ordered);
  const places = new Map<string, Placement>();
  for (const [name, paths] of ours) placeLayer(places, name, paths, pairs.get(name));
  // What our preprocessing does instead is in the file, but no variable of ours.
  const variables = new Set(model.variables.map(({ path }) => path));
  const ignored = new Set([...places].filter(([path]) => !variables.has(path)).map(([, { name }]) => name));
  for (const path of places.keys()) if (!variables.has(path)) places.delete(path);
  return { of: places, ignored: (name) => ignored.has(name) };
}

/** Paths of the variables of each layer; old files have a group for each layer of the model, new ones for each inner one. */
function ourLayers(model: Model, outer: boolean): Map<string, string[]> {
  const layers = new Map<string, string[]>();
  for (const { path } of kerasVariables(model)) {
    const parts = path.split('/');
    const layer = outer ? parts[0] : (parts.at(-2) ?? '');
    layers.set(layer, [...(layers.get(layer) ?? []), path]);
  }
  return layers;
}

function pairLayers(
  ours: readonly string[],
  theirs: readonly KerasLayer[],
  ordered: boolean,
): ReadonlyMap<string, KerasLayer> {
  const byName = new Map(theirs.map((layer) => [layer.name, layer]));
  const rest = theirs.filter(({ name }) => !ours.includes(name));
  const unpaired = ours.filter((name) => !byName.has(name));
  if (rest.length > 0) {
    const all = theirs.filter(({ name }) => rest.some((layer) => uncounted(layer.name) === uncounted(name)));
    const alike = ours.filter((name) => all.some((layer) => uncounted(layer.name) === uncounted(name)));
    const sameKinds = rest.every(({ name }) => unpaired.some((layer) => uncounted(layer) === uncounted(name)));
    if (sameKinds && all.length === alike.length) {
      const sorted = <T>(items: readonly T[], name: (item: T) => string) =>
        items.toSorted((a, b) => uncounted(name(a)).localeCompare(uncounted(name(b))) || numberOf(name(a)) - numberOf(name(b))); // prettier-ignore
      const layers = sorted(all, ({ name }) => name);
      for (const [i, name] of sorted(alike, (own) => own).entries()) byName.set(name, layers[i]);
    } else if (ordered && theirs.length === ours.length) {
      return new Map(ours.map((name, i) => [name, theirs[i]]));
    } else {
      // A classifier of one's own behind a backbone, under the name that Keras counted for it. The tensors of a backbone that is
      // one layer of an old file have their own layers' names.
      const left = rest.filter(({ tensors }) => !tensors.some(({ name }) => ours.includes(name.split('/')[0])));
      const last = ours.at(-1) ?? '';
      if (left.length === 1 && isDense(left[0]) && unpaired.includes(last)) byName.set(last, left[0]);
    }
  }
  return byName;
}

const isDense = ({ tensors }: KerasLayer): boolean =>
  tensors.length === 2 && tensors[0].tensor.shape.length === 2 && tensors[1].tensor.shape.length === 1;

/** Layers without a name of their own are counted through all models that a Python process made: conv2d_7. */
const uncounted = (name: string): string => name.replace(/_\d+$/, '');

const numberOf = (name: string): number => Number(/_(\d+)$/.exec(name)?.[1] ?? 0);

function placeLayer(
  places: Map<string, Placement>,
  name: string,
  paths: readonly string[],
  layer: KerasLayer | undefined,
): void {
  const leaves = paths.map((path) => path.slice(path.lastIndexOf('/') + 1));
  const tensors = layer?.tensors ?? [];
  // A model inside the model may have the same leaf twice; then only the order tells them apart.
  const distinct = new Set(leaves).size === leaves.length;
  const named = distinct && tensors.every(({ slot }) => leaves.includes(slot));
  const numbered = tensors.every(({ slot }) => /^\d+$/.test(slot));
  for (const [i, path] of paths.entries()) {
    const slot = numbered ? String(i) : leaves[i];
    const tensor = named || numbered ? tensors.find((one) => one.slot === slot) : tensors[i];
    places.set(path, { name: tensor?.name ?? `${name}/${leaves[i]}`, layout: AS_IT_IS });
  }
}

/** Standard deviations that `EfficientNet` files of Keras hold in place of variances (tensorflow/tensorflow#49930). */
const IMAGENET_STD = [0.229, 0.224, 0.225];

/** What a Keras model does to its pixels, its own normalisation layer included. */
export function kerasPreprocess(family: string, { layers }: KerasModel): Preprocess {
  const { normalizationLayer, preprocess } = findFamily(family);
  const layer = layers.find(({ name }) => uncounted(name) === normalizationLayer);
  if (layer === undefined || layer.tensors.length < 2) return preprocess;
  const [mean, variance] = layer.tensors.slice(0, 2).map(({ tensor }) => [...float32Of(tensor.read())]);
  if (mean.length !== 3 || variance.length !== 3) return preprocess;
  if (variance.every((value, i) => Math.abs(value - IMAGENET_STD[i]) < 1e-4)) return IMAGENET;
  return {
    mean: [mean[0] * 255, mean[1] * 255, mean[2] * 255],
    std: [Math.sqrt(variance[0]) * 255, Math.sqrt(variance[1]) * 255, Math.sqrt(variance[2]) * 255],
    channels: 'rgb',
  };
}
