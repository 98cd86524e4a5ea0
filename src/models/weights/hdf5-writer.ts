import { File, ready, type Group } from 'h5wasm/node';
import { fillFile } from '../../base/index.ts';
import type { HostTensor } from '../../xla/index.ts';
import { NOTE_ATTRIBUTE } from './hdf5-note.ts';
import type { KerasExportLayer } from './keras-export.ts';

/** The two forms of Keras's weight files: `.h5` with a group a layer, and `.weights.h5` of Keras 3. */
export type KerasForm = 'legacy' | 'keras3';

/** Writes a Keras weight file, atomically. `note` is a text of ours beside the weights. */
export async function writeKerasFile(
  path: string,
  layers: readonly KerasExportLayer[],
  form: KerasForm,
  note: string,
): Promise<void> {
  const library = await ready;
  library.activate_throwing_error_handler();
  await fillFile(path, (draft) => {
    const file = new File(draft, 'w');
    try {
      file.create_attribute(NOTE_ATTRIBUTE, note);
      if (form === 'legacy') writeLegacy(file, layers);
      else writeKeras3(file, layers);
    } finally {
      file.close();
    }
  });
}

const DTYPES: Partial<Record<HostTensor['dtype'], string>> = { float32: '<f', int32: '<i' };

function writeTensor(group: Group, name: string, { shape, dtype, data }: HostTensor): void {
  group.create_dataset({ name, data, shape: [...shape], dtype: DTYPES[dtype] });
}

/** A group for each outer layer with its tensors under their paths, and lists of names that give the order. */
function writeLegacy(file: File, layers: readonly KerasExportLayer[]): void {
  const outer = Map.groupBy(layers, ({ path }) => path.split('/')[0]);
  file.create_attribute('layer_names', [...outer.keys()]);
  file.create_attribute('backend', 'tensorflow');
  file.create_attribute('keras_version', '3.0.0');
  for (const [name, inner] of outer) {
    const group = file.create_group(name);
    const tensors = inner.flatMap((layer) => layer.tensors.map((one) => ({ ...one, place: layer.path })));
    group.create_attribute(
      'weight_names',
      tensors.map((one) => `${one.place}/${one.name}`),
    );
    for (const { place, name: leaf, tensor } of tensors) writeTensor(groupAt(group, place), leaf, tensor);
  }
}

/**
 * `layers/conv2d_3/vars/0`: layers by their class, counted; a model in the model is called after its class too.
 *
 * Keras looks for nothing but these places; the attribute tells people (and us) the layer's name.
 */
function writeKeras3(file: File, layers: readonly KerasExportLayer[]): void {
  const places = new Map<string, string>();
  const counts = new Map<string, number>();
  const place = (parent: string, key: string, kind: string): string => {
    const known = places.get(key);
    if (known !== undefined) return known;
    const base = `${parent}layers/${kind}`;
    const count = counts.get(base) ?? 0;
    counts.set(base, count + 1);
    const path = count === 0 ? base : `${base}_${count}`;
    places.set(key, path);
    return path;
  };
  for (const { path, kind, tensors } of layers) {
    const [outer, inner] = path.split('/');
    const parent = inner === undefined ? '' : `${place('', outer, 'sequential')}/`;
    const group = groupAt(file, `${place(parent, path, kind)}/vars`);
    group.create_attribute('name', inner ?? outer);
    for (const [i, { tensor }] of tensors.entries()) writeTensor(group, String(i), tensor);
  }
}

/** The group at a path, made with all that lead to it. */
function groupAt(root: Group, path: string): Group {
  return path.split('/').reduce((group, name) => {
    const known = group.keys().includes(name) ? group.get(name) : null;
    return known === null ? group.create_group(name) : (known as Group);
  }, root);
}
