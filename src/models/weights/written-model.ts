import { declareVariables, layerOf, type VariableSpec } from '../../nn/index.ts';
import { sameShape, type Shape } from '../../xla/index.ts';
import { buildModel, findFamily, type Model, type ModelRequest } from '../registry.ts';
import { describeOwnFile } from './own-names.ts';
import { fileShape, lastAxis, type Placements } from './placement.ts';
import type { TensorFile } from './tensor-file.ts';
import { FREE_OPTIONS, placementsIn } from './weights-source.ts';

/** The model as the file has it: of the same family and features, with the file's own head and number of classes. */
export interface WrittenModel {
  readonly variables: readonly VariableSpec[];
  readonly placements: Placements;
}

export function writtenModel(model: Model, file: TensorFile): WrittenModel {
  const candidates = possibleRequests(model, file).map((request) => {
    const built = buildModel({ ...request, classes: model.classes });
    const head = headPaths(built);
    const placements = placementsIn(file, built);
    const found = [...head].filter((path) => isPlaced(file, placements, path)).length;
    const fitting = built.variables.filter(({ path, shape }) => fitsPlace(file, placements, path, shape)).length;
    return { request, built, head, found, fitting };
  });
  const whole = candidates.filter(({ head, found }) => found === head.size);
  // A head on all positions has other shapes at another image size, under the same names.
  const sorted = [whole, candidates].flatMap((some) => some.toSorted((a, b) => b.found - a.found || b.fitting - a.fitting)); // prettier-ignore
  const [{ request, built, head }] = sorted;
  const exact = buildModel({ ...request, classes: classesIn(file, built) });
  const placements = placementsIn(file, exact);
  const isThere = (path: string): boolean => !head.has(path) || isPlaced(file, placements, path);
  return { variables: withoutMissingEnd(exact.variables, isThere), placements };
}

/** Without the last layers of which nothing is there: files of features end before the classifier. */
function withoutMissingEnd(
  variables: readonly VariableSpec[],
  isThere: (path: string) => boolean,
): readonly VariableSpec[] {
  const layers = new Set(variables.filter(({ path }) => isThere(path)).map(({ path }) => layerOf(path)));
  return variables.slice(0, variables.findLastIndex(({ path }) => layers.has(layerOf(path))) + 1);
}

/** With the family's own head, as published weights have it, and with the model's. */
function possibleRequests(model: Model, file: TensorFile): Omit<ModelRequest, 'classes'>[] {
  const { name, size } = model;
  const own = describeOwnFile(file);
  if (own !== undefined) return [{ name, options: own.options, size: own.size }];
  const { inputSize } = findFamily(name);
  const kept = Object.entries(model.options).filter(([key]) => !FREE_OPTIONS.includes(key));
  return [
    { name, options: Object.fromEntries(kept), size: { height: inputSize, width: inputSize } },
    { name, options: model.options, size },
  ];
}

/** Paths of the variables behind the features. */
export function headPaths({ parts, size, variables }: Model): Set<string> {
  const images = { shape: [1, size.height, size.width, 3], dtype: 'float32' } as const;
  const features = new Set(declareVariables(parts.features, images).map(({ path }) => path));
  return new Set(variables.map(({ path }) => path).filter((path) => !features.has(path)));
}

function isPlaced(file: TensorFile, { of }: Placements, path: string): boolean {
  const place = of.get(path);
  return place === 'zeros' || (place !== undefined && file.tensors.has(place.name));
}

function fitsPlace(file: TensorFile, { of }: Placements, path: string, shape: Shape): boolean {
  const place = of.get(path);
  if (place === undefined || place === 'zeros') return false;
  const stored = file.tensors.get(place.name);
  return stored !== undefined && sameShape(stored.shape, fileShape(place.layout, shape));
}

/** Number of classes of the file's own classifier, and the model's where the file has none or contradicts itself. */
function classesIn(file: TensorFile, built: Model): number {
  const { of } = placementsIn(file, built);
  const counts = built.variables.slice(-2).map(({ path, shape }) => {
    const place = of.get(path);
    if (place === undefined || place === 'zeros') return built.classes;
    const stored = file.tensors.get(place.name)?.shape ?? [];
    const isOneShape = stored.length === fileShape(place.layout, shape).length;
    return isOneShape ? stored[lastAxis(place.layout, shape)] : built.classes;
  });
  const [count] = counts;
  return count > 0 && counts.every((other) => other === count) ? count : built.classes;
}
