import { mapTree, treeLeaves, type MapLeaves } from '../base/index.ts';
import { isHostTensor, type HostTensor } from '../xla/index.ts';
import { isDeviceArray, type DeviceArray } from './device-array.ts';

type Leaf = DeviceArray | HostTensor;
const isLeaf = (value: unknown): value is Leaf => isDeviceArray(value) || isHostTensor(value);

/** Copies every array of a tree from its first replica to the host; tensors that are there already stay as they are. */
export async function treeToHost<T>(tree: T): Promise<MapLeaves<T, Leaf, HostTensor>> {
  const copies = new Map<Leaf, HostTensor>();
  // One after the other: a whole state at once would take its memory twice.
  for (const leaf of treeLeaves(tree, isLeaf)) {
    copies.set(leaf, isDeviceArray(leaf) ? { shape: leaf.shape, dtype: leaf.dtype, data: await leaf.toHost() } : leaf);
  }
  return mapTree(tree, isLeaf, (leaf) => copies.get(leaf)!);
}
