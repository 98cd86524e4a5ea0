import { buildModel, findFamily, type Model } from '../registry.ts';
import { kerasPlacements, kerasPreprocess } from './keras-names.ts';
import { describeOwnFile, ownPlacements, statedPreprocess } from './own-names.ts';
import type { Origin, Placements } from './placement.ts';
import { openTensorFile, type TensorFile } from './tensor-file.ts';
import type { TimmNetwork } from './timm-network.ts';
import { assertDistinct, findTorchNames, torchPlacements, type TorchNames } from './torch-names.ts';
import { TORCH_NAMES } from './torch-namings.ts';
import { WeightsError } from './weights-error.ts';

/** A file of weights for an architecture, understood but not loaded. */
export interface WeightsSource extends Origin {
  readonly path: string;
  /** What the user asked for, such as `imagenet`, or the file. */
  readonly label: string;
  readonly licence?: string;
  /** Height and width that the weights were trained at, where known. */
  readonly inputSize?: number;
  /** The network that they are of, by timm's name of it, where that is stated. */
  readonly architecture?: string;
}

/** Options that weights go with whatever they are: those of the head, and what only training looks at. */
export const FREE_OPTIONS = ['pooling', 'hidden', 'dropout', 'stochasticDepth', 'layerScale'];

/**
 * Finds out whose names a file's tensors have, and with it the options and the preprocessing that the weights need.
 *
 * @param network What is said of weights under PyTorch's names beside the file.
 * @throws WeightsError for a file that can't be read or has names that are not known for this architecture.
 */
export async function describeWeights(
  family: string,
  path: string,
  label = path,
  network?: TimmNetwork,
): Promise<WeightsSource> {
  findFamily(family);
  const file = await openTensorFile(path);
  try {
    return { path, label, ...originOf(family, file, network) };
  } finally {
    file.close();
  }
}

function originOf(
  family: string,
  file: TensorFile,
  network: TimmNetwork | undefined,
): Origin & Pick<WeightsSource, 'architecture'> {
  const stated = statedPreprocess(file);
  if (file.keras !== undefined) {
    return { name: 'Keras', options: {}, preprocess: stated ?? kerasPreprocess(family, file.keras) };
  }
  const own = describeOwnFile(file);
  if (own !== undefined) {
    if (own.model !== family) {
      throw new WeightsError('WEIGHTS_MODEL', `${file.path} has weights of another model`, {
        expected: family,
        received: own.model,
      });
    }
    const options = Object.entries(own.options).filter(([key]) => !FREE_OPTIONS.includes(key));
    return { name: own.name, options: Object.fromEntries(options), preprocess: own.preprocess };
  }
  const names = findTorchNames(TORCH_NAMES, family, file.tensors.keys());
  if (names !== undefined) {
    const { name, options } = names;
    const preprocess = stated ?? network?.preprocess ?? names.preprocess;
    return { name, options, preprocess, architecture: network?.architecture };
  }
  if (hasOwnPaths(family, file)) return { name: 'Sepal', options: {}, preprocess: findFamily(family).preprocess };
  throw unknownNames(family, file);
}

/**
 * Refuses weights that are stated to be of a network which computes something else under the same names, as timm's
 * `efficientnet_b0` does beside its `tf_efficientnet_b0`: it pads otherwise.
 *
 * @throws WeightsError `WEIGHTS_MODEL`.
 */
export function checkArchitecture(model: Model, { name, label, architecture }: WeightsSource): void {
  const names = TORCH_NAMES.find((one) => one.families.test(model.name) && one.name === name);
  const expected = names?.architectures?.timm?.(model);
  if (architecture === undefined || expected === undefined) return;
  // Names may say more, such as the training: `gluon_resnet50_v1b`, `convnext_tiny_in22k`.
  if (`_${architecture.toLowerCase()}_`.includes(`_${expected}_`)) return;
  throw new WeightsError('WEIGHTS_MODEL', `${label} has weights of another network`, {
    expected: `timm's ${expected}`,
    received: architecture,
    hint: 'its tensors have the same names, but it computes something else with them',
  });
}

/** The places of a model's variables in a file. */
export function placementsIn(file: TensorFile, model: Model): Placements {
  if (file.keras !== undefined) return kerasPlacements(model, file.keras);
  const own = describeOwnFile(file) !== undefined;
  const names = own ? undefined : findTorchNames(TORCH_NAMES, model.name, file.tensors.keys());
  if (names !== undefined) {
    const placements = torchPlacements(names, model.variables);
    assertDistinct(placements);
    return placements;
  }
  return ownPlacements(
    model.variables.map(({ path }) => path),
    file.tensors,
  );
}

function hasOwnPaths(family: string, { tensors }: TensorFile): boolean {
  const size = findFamily(family).inputSize;
  const { variables } = buildModel({ name: family, classes: 2, size: { height: size, width: size } });
  return variables.slice(0, 1).some(({ path }) => tensors.has(path) || tensors.has(`params/${path}`));
}

function unknownNames(family: string, { path, tensors }: TensorFile): WeightsError {
  const known = TORCH_NAMES.filter(({ families }: TorchNames) => families.test(family)).map(({ name }) => name);
  return new WeightsError('WEIGHTS_NAMES', `${path} has no weights of ${family} under names that Sepal knows`, {
    expected: [...new Set(['Keras', ...known])].join(', '),
    received: `tensors such as ${[...tensors.keys()].slice(0, 3).join(', ')}`,
    hint: 'check that the file belongs to this architecture',
  });
}
