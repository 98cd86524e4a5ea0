import { plural } from '../../base/index.ts';
import { formatShape, isFloat, sameShape } from '../../xla/index.ts';
import { fileShape } from './placement.ts';
import type { TensorFile } from './tensor-file.ts';
import { WeightsError } from './weights-error.ts';
import type { WrittenModel } from './written-model.ts';

/** Checks names, shapes and dtypes of all tensors before the numbers of any are read. */
export function checkTypes(file: TensorFile, { variables, placements }: WrittenModel): void {
  const problems: WeightsError[] = [];
  const expected = new Set<string>();
  for (const { path, shape } of variables) {
    const place = placements.of.get(path);
    if (place === undefined || place === 'zeros') continue;
    expected.add(place.name);
    const wanted = fileShape(place.layout, shape);
    const stored = file.tensors.get(place.name);
    if (stored === undefined) {
      problems.push(
        new WeightsError('WEIGHTS_MISSING', `${file.path} has no tensor ${place.name}`, {
          expected: formatShape(wanted),
          received: 'nothing',
          hint: 'bring the file again, or check that it belongs to this architecture',
        }),
      );
    } else if (!sameShape(stored.shape, wanted) || !isFloat(stored.dtype)) {
      const dtype = isFloat(stored.dtype) ? '' : ` of ${stored.dtype}`;
      problems.push(
        new WeightsError('WEIGHTS_SHAPE', `${file.path}: tensor ${place.name} doesn't fit the model's ${path}`, {
          expected: formatShape(wanted),
          received: `${formatShape(stored.shape)}${dtype}`,
        }),
      );
    }
  }
  for (const [name, { shape }] of file.tensors) {
    if (expected.has(name) || placements.ignored(name)) continue;
    problems.push(
      new WeightsError('WEIGHTS_EXTRA', `${file.path}: tensor ${name} belongs to no variable of the model`, {
        expected: 'nothing',
        received: formatShape(shape),
        hint: 'if it is of a head of your own, save the weights of the backbone alone',
      }),
    );
  }
  const [first] = problems;
  if (first === undefined) return;
  if (problems.length === 1) throw first;
  const { code, message, expected: wanted, received, hint } = first;
  throw new WeightsError(code, `${message} (and ${plural(problems.length - 1, 'more tensor')})`, {
    expected: wanted,
    received,
    hint: problems.length > expected.size / 2 ? 'the weights are of another model or have other options' : hint,
  });
}

/** @throws WeightsError `WEIGHTS_VALUES` for NaN and infinity. */
export function checkFinite(file: TensorFile, name: string, data: Float32Array): void {
  const at = data.findIndex((value) => !Number.isFinite(value));
  if (at === -1) return;
  throw new WeightsError('WEIGHTS_VALUES', `${file.path}: tensor ${name} has a value that is no number`, {
    expected: 'finite numbers',
    received: `${data[at]} at element ${at}`,
    hint: 'the training that wrote it has failed, or the file is damaged',
  });
}
