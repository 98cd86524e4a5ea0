import { mapTree, type MapLeaves } from '../base/index.ts';
import { isTensorType, Tensor, type TensorType } from '../xla/index.ts';
import type { Backend } from './backend.ts';
import type { DeviceArray } from './device-array.ts';
import { jit, type TypesOf } from './jit.ts';

/** A tree of types as a tree of arrays. */
type Arrays<T> = MapLeaves<T, TensorType, DeviceArray>;

/** A compiled copy; the caller disposes of it, and of what it gives. */
export interface Copy<T> {
  (tree: Arrays<T>): Promise<Arrays<T>>;
  dispose(): void;
}

/**
 * Compiles a copy of a tree of arrays on the devices: new memory with the same numbers, which stays when the old one is
 * donated to a program.
 */
export async function compileCopy<T>(backend: Backend, types: T): Promise<Copy<T>> {
  const isTensor = (value: unknown): value is Tensor => value instanceof Tensor;
  const body = (tree: MapLeaves<T, TensorType, Tensor>) => mapTree(tree, isTensor, (tensor) => tensor);
  const tree = mapTree(types, isTensorType, ({ shape, dtype }): TensorType => ({ shape, dtype }));
  const copy = await jit(backend, body, [tree] as unknown as TypesOf<[MapLeaves<T, TensorType, Tensor>]>, { name: 'copy' }); // prettier-ignore
  const call = async (arrays: Arrays<T>) => (await copy(arrays as never)) as unknown as Arrays<T>;
  return Object.assign(call, { dispose: () => copy.dispose() });
}
