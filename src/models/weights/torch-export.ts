import type { HostTensor } from '../../xla/index.ts';
import {
  asRgb,
  hasOptions,
  headOptions,
  meanWithoutBias,
  requireOptions,
  valueOf,
  withChannelsReversed,
  type ExportedModel,
  type ForeignWeights,
} from './exported-model.ts';
import { toFile } from './placement.ts';
import { TORCH_PROJECTS, torchPlacements, type TorchNames, type TorchProject } from './torch-names.ts';
import { TORCH_NAMES } from './torch-namings.ts';
import { WeightsError } from './weights-error.ts';

export interface TorchWeights extends ForeignWeights {
  /** The state dict of the project's network, without the counters of batches. */
  readonly tensors: ReadonlyMap<string, HostTensor>;
}

/**
 * A model's values under a project's names, for its own network of the same kind.
 *
 * They expect RGB: neither project knows another order of channels, so a first kernel for BGR is turned round.
 *
 * @throws WeightsError `EXPORT_MODEL`, `EXPORT_OPTIONS`, `EXPORT_HEAD` for a model that the project can't build.
 */
export function torchWeights(exported: ExportedModel, project: TorchProject): TorchWeights {
  const { model, preprocess } = exported;
  const { names, architecture } = findNames(exported, project);
  requireOptions(exported, names.options, project);
  requireHead(exported, project);
  const { of } = torchPlacements(names, model.variables);
  const means = meansWithoutBiases(exported, names);
  const [first] = model.variables;
  const tensors = new Map<string, HostTensor>();
  for (const spec of model.variables) {
    const place = of.get(spec.path);
    if (place === undefined || place === 'zeros') continue;
    if (place.name.includes('/')) throw noLayer(exported, project, spec.path);
    const value = means.get(spec.path) ?? valueOf(exported, spec);
    const turned = spec === first && preprocess.channels === 'bgr' ? withChannelsReversed(value) : value;
    tensors.set(place.name, toFile(place.layout, turned));
  }
  return { architecture, preprocess: asRgb(preprocess), tensors };
}

function findNames({ model }: ExportedModel, project: TorchProject): { names: TorchNames; architecture: string } {
  for (const names of TORCH_NAMES.filter(({ families }) => families.test(model.name))) {
    const architecture = names.architectures?.[project]?.(model);
    if (architecture !== undefined) return { names, architecture };
  }
  const others = TORCH_NAMES.filter(({ families }) => families.test(model.name)).flatMap(({ architectures, options }) =>
    TORCH_PROJECTS.filter((other) => architectures?.[other]?.(model) !== undefined && hasOptions(model, options)),
  );
  throw new WeightsError('EXPORT_MODEL', `${project} has no network that computes what this ${model.name} does`, {
    hint: `choose another --format: ${[...new Set(others), 'onnx'].join(', ')}`,
  });
}

/** Height and width of the feature map that the dense layers of VGG lie on, in both projects. */
const VGG_MAP = 7;

function requireHead(exported: ExportedModel, project: TorchProject): void {
  const { model } = exported;
  const { pooling, hidden } = headOptions(exported);
  requireOptions(exported, { hidden }, project);
  // timm pools by its argument `global_pool`, VGG aside; torchvision has the average only.
  const isOfTimm = project === 'timm' && pooling === 'average' && model.options.pooling === 'max';
  if (!isOfTimm) requireOptions(exported, { pooling }, project);
  if (pooling !== 'flatten') return;
  const kernel = valueOf(exported, { path: 'fc1/kernel' });
  const positions = kernel.shape[0] / 512;
  if (positions === VGG_MAP * VGG_MAP) return;
  throw new WeightsError('EXPORT_HEAD', `${project}'s ${model.name} is for images of 224 to 255 pixels`, {
    expected: `a feature map of ${VGG_MAP}×${VGG_MAP} before the dense layers`,
    received: `one of ${positions} positions`,
    hint: 'choose another --format: keras and onnx take any size',
  });
}

/** Statistics that take over the biases which the network there does without. */
function meansWithoutBiases(exported: ExportedModel, { zeros }: TorchNames): Map<string, HostTensor> {
  const means = new Map<string, HostTensor>();
  for (const { path } of exported.model.variables) {
    if (zeros?.test(path) !== true) continue;
    const mean = path.replace(/_conv\/bias$/, '_bn/moving_mean');
    means.set(mean, meanWithoutBias(exported, path, mean));
  }
  return means;
}

const noLayer = ({ model }: ExportedModel, project: TorchProject, path: string): WeightsError =>
  new WeightsError('EXPORT_HEAD', `${project}'s ${model.name} has no layer for ${path}`, {
    hint: 'choose another --format: onnx takes every model',
  });
