export { chromeTrace, type TraceEvent } from './chrome-trace.ts';
export { flamePage } from './flame-chart.ts';
export { type KernelKind } from './kernel-kind.ts';
export { profileStep, type Kernel, type ProfileOptions, type StepProfile } from './profile.ts';
export { kindTimes, layerTimes, profileTable, type LayerTime } from './summary.ts';
