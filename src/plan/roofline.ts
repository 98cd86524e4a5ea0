import type { TpuTarget } from '../runtime/index.ts';

/** What limits a program on a device, by the roofline model (Williams et al. 2009). */
export interface Roofline {
  /** Which of the two would take longer if the other were free. */
  readonly bound: 'compute' | 'memory';
  /** Share of the device's peak operations a second that the program reaches in the estimated time. */
  readonly computeShare: number;
  /** Share of its memory's peak bytes a second. */
  readonly memoryShare: number;
  /** Operations for each byte. */
  readonly intensity: number;
}

export function roofline(
  {
    flops,
    bytesAccessed,
    seconds,
  }: { readonly flops: number; readonly bytesAccessed: number; readonly seconds: number },
  { flopsPerSecond, bytesPerSecond }: Pick<TpuTarget, 'flopsPerSecond' | 'bytesPerSecond'>,
): Roofline {
  return {
    bound: flops / flopsPerSecond >= bytesAccessed / bytesPerSecond ? 'compute' : 'memory',
    computeShare: flops / seconds / flopsPerSecond,
    memoryShare: bytesAccessed / seconds / bytesPerSecond,
    intensity: flops / bytesAccessed,
  };
}
