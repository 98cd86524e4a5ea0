import { CLASSIC_NAMES } from './classic-names.ts';
import { CONVNEXT_NAMES } from './convnext-names.ts';
import { EFFICIENTNET_NAMES } from './efficientnet-names.ts';
import { MOBILENET_NAMES } from './mobilenet-names.ts';
import type { TorchNames } from './torch-names.ts';

/** Every table of names that PyTorch projects give the variables of our families. */
export const TORCH_NAMES: readonly TorchNames[] = [
  ...EFFICIENTNET_NAMES,
  ...MOBILENET_NAMES,
  ...CLASSIC_NAMES,
  ...CONVNEXT_NAMES,
];
