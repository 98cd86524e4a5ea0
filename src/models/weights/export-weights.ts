import { join } from 'node:path';
import { UsageError, writeFile } from '../../base/index.ts';
import type { ExportedModel, ForeignWeights } from './exported-model.ts';
import { kerasWeights } from './keras-export.ts';
import { PREPROCESS_KEY } from './own-names.ts';
import { writeSafetensors } from './safetensors.ts';
import { timmConfig } from './timm-config.ts';
import { torchWeights } from './torch-export.ts';
import { TORCH_PROJECTS } from './torch-names.ts';

/** Projects that a model's weights can be written for. */
export const WEIGHT_FORMATS = [...TORCH_PROJECTS, 'keras'] as const;
/** A form of weights that other libraries load. */
export type WeightFormat = (typeof WEIGHT_FORMATS)[number];

/** What was written, and the network that loads it. */
export interface WeightsExport {
  readonly files: readonly string[];
  readonly architecture: string;
}

/**
 * Writes a model's weights so that another project's network of the same kind loads them and computes the same.
 *
 * - `timm`, `torchvision`: a `.safetensors` file with the names of the project's state dict. For timm, a path without that
 *   ending is a folder in the form of Hugging Face's hub: `timm.create_model('local-dir:FOLDER', pretrained=True)`.
 * - `keras`: `.weights.h5` of Keras 3, or `.h5` in the older form.
 *
 * Classes, preprocessing, input size and licence stand beside the tensors.
 *
 * @throws WeightsError `EXPORT_…` for a model that the project can't build, UsageError for another ending.
 */
export async function exportWeights(
  exported: ExportedModel,
  format: WeightFormat,
  path: string,
): Promise<WeightsExport> {
  if (format === 'keras') {
    if (!path.endsWith('.h5')) throw wrongEnding(path, '.weights.h5 (Keras 3) or .h5 (the older form)');
    const weights = kerasWeights(exported);
    // The HDF5 library is large: only those who need it wait for it.
    const { writeKerasFile } = await import('./hdf5-writer.ts');
    const form = path.endsWith('.weights.h5') ? 'keras3' : 'legacy';
    await writeKerasFile(path, weights.layers, form, JSON.stringify(describe(exported, weights)));
    return { files: [path], architecture: `keras.applications.${weights.architecture}` };
  }
  const isFolder = !path.endsWith('.safetensors');
  if (isFolder && format !== 'timm') throw wrongEnding(path, '.safetensors');
  const weights = torchWeights(exported, format);
  const file = isFolder ? join(path, 'model.safetensors') : path;
  // `format` tells Hugging Face's libraries which framework's layout the tensors have.
  await writeSafetensors(file, weights.tensors, { format: 'pt', ...describe(exported, weights) });
  const architecture = `${format} ${weights.architecture}`;
  if (!isFolder) return { files: [file], architecture };
  const config = join(path, 'config.json');
  await writeFile(config, `${JSON.stringify(timmConfig(exported, weights), null, 2)}\n`);
  return { files: [file, config], architecture };
}

const wrongEnding = (path: string, expected: string): UsageError =>
  new UsageError('EXPORT_ENDING', `${path} has another ending than files of this format`, { expected });

/** What a reader of the weights has to know, as texts: safetensors holds no others. */
const describe = (
  { model, classNames, licence }: ExportedModel,
  { architecture, preprocess }: ForeignWeights,
): Record<string, string> => ({
  architecture,
  input_size: JSON.stringify([model.size.height, model.size.width]),
  label_names: JSON.stringify(classNames),
  [PREPROCESS_KEY]: JSON.stringify(preprocess),
  ...(licence === undefined ? {} : { licence }),
});
