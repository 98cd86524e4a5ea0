import { formatTable } from '../base/index.ts';
import { KERNEL_KINDS, type KernelKind } from './kernel-kind.ts';
import type { StepProfile } from './profile.ts';

/** Time of a layer, or of all layers, by kind of op. */
export interface LayerTime {
  readonly layer: string;
  readonly kernels: number;
  readonly seconds: number;
  /** Part of the kernels' time. */
  readonly share: number;
  readonly byKind: Readonly<Partial<Record<KernelKind, number>>>;
}

/** What kernels of no layer are called. */
export const OUTSIDE = '(optimiser, loss, metrics)';

/** Layers with their times, the slowest first. */
export function layerTimes({ kernels, kernelSeconds }: StepProfile): LayerTime[] {
  const groups = Map.groupBy(kernels, ({ layer }) => (layer === '' ? OUTSIDE : layer));
  return [...groups]
    .map(([layer, members]) => {
      const byKind: Partial<Record<KernelKind, number>> = {};
      for (const { kind, seconds } of members) byKind[kind] = (byKind[kind] ?? 0) + seconds;
      const seconds = members.reduce((sum, member) => sum + member.seconds, 0);
      return { layer, kernels: members.length, seconds, share: seconds / kernelSeconds, byKind };
    })
    .toSorted((a, b) => b.seconds - a.seconds);
}

/** Kinds with their times, the slowest first. */
export function kindTimes({ kernels }: StepProfile): readonly (readonly [KernelKind, number])[] {
  return KERNEL_KINDS.map((kind) => {
    const own = kernels.filter((kernel) => kernel.kind === kind);
    return [kind, own.reduce((sum, { seconds }) => sum + seconds, 0)] as const;
  })
    .filter(([, seconds]) => seconds > 0)
    .toSorted(([, a], [, b]) => b - a);
}

const milliseconds = (seconds: number): string => (seconds * 1000).toFixed(seconds < 0.01 ? 2 : 1);
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** A profile as text: the step, kinds of ops, and the slowest layers. */
export function profileTable(profile: StepProfile, most: number): string {
  const { model, batch, size, device, stepSeconds, kernelSeconds, kernels, isTraced } = profile;
  const layers = layerTimes(profile);
  const kinds = kindTimes(profile);
  const rows = layers.slice(0, most).map(({ layer, seconds, share, kernels: count, byKind }) => {
    const ordered = Object.entries(byKind).toSorted(([, a], [, b]) => b - a);
    const parts = ordered.map(([kind, time]) => `${kind} ${milliseconds(time)}`).join(', ');
    return [layer, milliseconds(seconds), percent(share), String(count), parts];
  });
  const rest = layers.slice(most);
  const left = rest.reduce((sum, { seconds }) => sum + seconds, 0);
  if (rest.length > 0) rows.push([`${rest.length} more`, milliseconds(left), percent(left / kernelSeconds), '', '']);
  return [
    `${model}, batch ${batch} of ${size} px, ${device}`,
    `a step takes ${milliseconds(stepSeconds.min)} ms (in the middle ${milliseconds(stepSeconds.median)}); its ` +
      `${kernels.length} kernels, ${isTraced ? 'as the device recorded them' : 'each run by itself'}, ${milliseconds(kernelSeconds)} ms together`,
    '',
    formatTable([['kind', 'ms', 'share'], ...kinds.map(([kind, time]) => [kind, milliseconds(time), percent(time / kernelSeconds)])], [1, 2]), // prettier-ignore
    '',
    formatTable([['layer', 'ms', 'share', 'kernels', 'of that, ms'], ...rows], [1, 2, 3]),
  ].join('\n');
}
