import type { StepProfile } from './profile.ts';
import { OUTSIDE } from './summary.ts';

export interface TraceEvent {
  readonly name: string;
  readonly cat: string;
  readonly ph: 'X';
  /** Microseconds. */
  readonly ts: number;
  readonly dur: number;
  readonly pid: number;
  readonly tid: number;
  readonly args: Readonly<Record<string, string>>;
}

/** A profile in the Trace Event Format, which Perfetto, speedscope and Chrome open: the kernels in the step's order. */
export function chromeTrace({ kernels, model }: StepProfile): { traceEvents: TraceEvent[]; displayTimeUnit: string } {
  let at = 0;
  const traceEvents = kernels.map(({ name, kind, layer, seconds }): TraceEvent => {
    const event = { name, cat: kind, ph: 'X', ts: at * 1e6, dur: seconds * 1e6, pid: 1, tid: 1 } as const;
    at += seconds;
    return { ...event, args: { layer: layer === '' ? OUTSIDE : layer, model } };
  });
  return { traceEvents, displayTimeUnit: 'ms' };
}
