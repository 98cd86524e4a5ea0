/** Nested arrays and records whose leaves are all of one kind. */
export type Tree<Leaf> = Leaf | readonly Tree<Leaf>[] | { readonly [name: string]: Tree<Leaf> };

/** A tree type with its leaves of type `From` replaced by `To`, whose names and lengths stay. */
export type MapLeaves<T, From, To> = T extends From ? To : { readonly [K in keyof T]: MapLeaves<T[K], From, To> };

/** Tells a leaf from a branch. */
export type IsLeaf<Leaf> = (value: unknown) => value is Leaf;

/** The leaves of a tree, in the order in which its names were added. */
export function treeLeaves<Leaf>(tree: unknown, isLeaf: IsLeaf<Leaf>): Leaf[] {
  if (isLeaf(tree)) return [tree];
  if (typeof tree !== 'object' || tree === null) throw new TypeError(`a tree holds ${String(tree)}, which is no leaf`);
  return Object.values(tree).flatMap((branch) => treeLeaves(branch, isLeaf));
}

/** A tree of the same form with other leaves; `path` names a leaf, such as `params/block1/kernel`. */
export function mapTree<T, From, To>(
  tree: T,
  isLeaf: IsLeaf<From>,
  change: (leaf: From, path: string) => To,
  path = '',
): MapLeaves<T, From, To> {
  const visit = (branch: unknown, at: string): unknown => {
    if (isLeaf(branch)) return change(branch, at);
    if (typeof branch !== 'object' || branch === null) throw new TypeError(`a tree holds ${String(branch)} at ${at}`);
    const join = (name: string | number) => (at === '' ? String(name) : `${at}/${name}`);
    if (Array.isArray(branch)) return branch.map((child, i) => visit(child, join(i)));
    return Object.fromEntries(Object.entries(branch).map(([name, child]) => [name, visit(child, join(name))]));
  };
  return visit(tree, path) as MapLeaves<T, From, To>;
}
