import { access } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { cacheFolder } from './cache-folder.ts';

/** A shared library that the CUDA plugin opens when it takes hold of a GPU, and the Python package that has it. */
export interface CudaLibrary {
  readonly file: string;
  readonly package: string;
}

/** What `jax-cuda13-plugin[with-cuda]` 0.12.0.1 requires, less what only several machines need. */
export const CUDA_LIBRARIES: readonly CudaLibrary[] = [
  { file: 'libcudart.so.13', package: 'nvidia-cuda-runtime' },
  { file: 'libcublas.so.13', package: 'nvidia-cublas' },
  { file: 'libcublasLt.so.13', package: 'nvidia-cublas' },
  { file: 'libcudnn.so.9', package: 'nvidia-cudnn-cu13' },
  { file: 'libcufft.so.12', package: 'nvidia-cufft' },
  { file: 'libcusolver.so.12', package: 'nvidia-cusolver' },
  { file: 'libcusparse.so.12', package: 'nvidia-cusparse' },
  { file: 'libcupti.so.13', package: 'nvidia-cuda-cupti' },
  { file: 'libnccl.so.2', package: 'nvidia-nccl-cu13' },
  { file: 'libnvJitLink.so.13', package: 'nvidia-nvjitlink' },
  { file: 'libnvrtc.so.13', package: 'nvidia-cuda-nvrtc' },
];

/** Packages with programs and bitcode that XLA's GPU compiler needs besides the libraries. */
const COMPILER_PACKAGES: readonly string[] = ['nvidia-cuda-nvcc', 'nvidia-nvvm'];

/** Where the plugin looks, beside itself and two folders up (its RPATH). */
const BESIDE_PLUGIN = ['cu13', 'cudnn', 'nccl'].flatMap((name) => [
  join('..', 'nvidia', name, 'lib'),
  join('..', '..', 'nvidia', name, 'lib'),
]);

/** Usual places of a CUDA toolkit and of a distribution's packages. */
const SYSTEM = [
  '/usr/local/cuda/lib64',
  '/usr/local/cuda-13/lib64',
  '/usr/lib/x86_64-linux-gnu',
  '/usr/lib64',
  '/lib64',
];

/** The libraries of `CUDA_LIBRARIES` that are neither where the plugin looks nor in `LD_LIBRARY_PATH` nor in the usual places. */
export async function missingCudaLibraries(pluginPath: string): Promise<CudaLibrary[]> {
  const beside = BESIDE_PLUGIN.map((folder) => join(dirname(pluginPath), folder));
  const chosen = (process.env.LD_LIBRARY_PATH ?? '').split(':').filter((folder) => folder !== '');
  const folders = [...beside, ...chosen, ...SYSTEM];
  const found = await Promise.all(
    CUDA_LIBRARIES.map(({ file }) => Promise.any(folders.map((folder) => access(join(folder, file)))).then(...YES_NO)),
  );
  return CUDA_LIBRARIES.filter((_, i) => !found[i]);
}

/** The command that puts the libraries of these packages where the plugin looks for them. */
export function cudaInstallCommand(pluginPath: string, packages: Iterable<string>): string {
  const names = [...new Set([...packages, ...COMPILER_PACKAGES])].join(' ');
  const folder = cacheFolder('plugins');
  // A plugin that Python's packages brought finds the libraries that they bring.
  return pluginPath.startsWith(folder) ? `pip install --target "${folder}" ${names}` : `pip install ${names}`;
}

const YES_NO = [() => true, () => false] as const;
