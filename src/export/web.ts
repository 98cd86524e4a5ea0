import { copyFile, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fillFile, isSystemError, makeFolder, writeError, writeFile } from '../base/index.ts';
import type { ExportedModel } from '../models/index.ts';
import { ExportError } from './errors.ts';
import { onnxModel, type OnnxPrecision } from './onnx.ts';
import { WEB_STYLE, webPage } from './web-page.ts';
import { WEB_SCRIPT } from './web-script.ts';

/** ONNX Runtime for browsers, with WebGPU and with WebAssembly as what is left. */
const RUNTIME_FILES = ['ort.webgpu.bundle.min.mjs', 'ort-wasm-simd-threaded.asyncify.wasm'];

const PAGE = 'index.html';

/**
 * Writes a folder that classifies photos in the browser: any server of plain files shows it, and photos never leave the
 * device that looks at it.
 *
 * @returns the files.
 * @throws ExportError `WEB_RUNTIME` where `onnxruntime-web` is not installed, `WEB_FOLDER` for a folder with other files.
 */
export async function writeWebFolder(
  exported: ExportedModel,
  folder: string,
  precision: OnnxPrecision = 'float32',
): Promise<string[]> {
  const runtime = findRuntime();
  const { model, classNames, licence } = exported;
  const texts: readonly (readonly [string, string | Uint8Array])[] = [
    ['style.css', WEB_STYLE],
    ['app.js', WEB_SCRIPT],
    [
      'model.json',
      JSON.stringify({ model: model.name, size: [model.size.height, model.size.width], classes: classNames, licence }),
    ],
    ['model.onnx', onnxModel(exported, precision)],
  ];
  const names = [PAGE, ...texts.map(([name]) => name), ...RUNTIME_FILES];
  await requireOwnFolder(folder, names);
  await makeFolder(folder).catch((cause: unknown) => {
    throw writeError(folder, cause);
  });
  for (const [name, content] of texts) await writeFile(join(folder, name), content);
  for (const name of RUNTIME_FILES) await fillFile(join(folder, name), (draft) => copyFile(join(runtime, name), draft));
  // It comes last: a folder without it is seen not to be whole.
  await writeFile(join(folder, PAGE), webPage(`What is it? ${classNames.length} classes`));
  return names.map((name) => join(folder, name));
}

/** Where the files of the installed `onnxruntime-web` are. */
function findRuntime(): string {
  try {
    return dirname(fileURLToPath(import.meta.resolve('onnxruntime-web/webgpu')));
  } catch (cause) {
    throw new ExportError('WEB_RUNTIME', 'the page needs onnxruntime-web, which is not installed', {
      hint: 'run npm install onnxruntime-web beside sepal; it is large, so Sepal leaves it to those who want it',
      cause,
    });
  }
}

/** Anything else in the folder is not ours to mix with. */
async function requireOwnFolder(folder: string, own: readonly string[]): Promise<void> {
  const files = await readdir(folder).catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT')) return [];
    throw writeError(folder, error);
  });
  const stranger = files.find((name) => !own.includes(name));
  if (stranger === undefined) return;
  throw new ExportError('WEB_FOLDER', `${folder} holds other files, such as ${stranger}`, {
    hint: 'choose a new folder',
  });
}
