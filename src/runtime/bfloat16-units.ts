import type { PluginPlatform } from '../assets/index.ts';
import type { NamedValue } from '../pjrt/index.ts';

/** NVIDIA's first GPUs whose matrix units take bfloat16: Ampere, such as the A100. Turing's, such as the T4, take float16 alone. */
const FIRST_CAPABILITY = 8;

/** Whether a device multiplies matrices faster in bfloat16 than in float32, by the attributes that its plugin gives. */
export function hasBfloat16Units(platform: PluginPlatform, attributes: Readonly<Record<string, NamedValue>>): boolean {
  if (platform === 'tpu') return true;
  return platform === 'cuda' && Number.parseFloat(String(attributes['compute_capability'])) >= FIRST_CAPABILITY;
}
