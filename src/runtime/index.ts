export {
  amdDriverVersion,
  HARDWARE,
  nvidiaDriverVersion,
  visibleAmdGpus,
  visibleNvidiaGpus,
  visibleTpus,
  type Hardware,
} from './accelerators.ts';
export { Backend, type BackendSettings, type Host } from './backend.ts';
export { deviceError } from './device-error.ts';
export { DEVICE_NAMES, openBackend, type BackendOptions, type DeviceName, type GpuHost } from './open-backend.ts';
export { batchThatFits, memoryShortage, type MemoryShortage } from './out-of-memory.ts';
export { CompileTarget, openCompileTarget, type CompiledFor, type ProgramCosts } from './compile-target.ts';
export { compilerOptions, type CompilerOptions } from './compiler-options.ts';
export { CompileCache } from './cache/compile-cache.ts';
export { probePlugin, type ProbeRequest, type ProbeResult } from './children/plugin-probe.ts';
export { compileCopy, type Copy } from './copy.ts';
export { DeviceArray, isDeviceArray } from './device-array.ts';
export { RuntimeError } from './errors.ts';
export { allOrNone, dispose } from './all-or-none.ts';
export { HeldTogether, type Held } from './held.ts';
export { Hosts, otherHost } from './hosts/hosts.ts';
export {
  parametersOf,
  jit,
  traceTrees,
  type ArraysOf,
  type Compiled,
  type JitOptions,
  type TracedTree,
  type TypesOf,
} from './jit.ts';
export { predictionReplicas } from './inference/prediction-replicas.ts';
export { prepareInference } from './inference/prepare-inference.ts';
export { programText, type TextOptions } from './program-text.ts';
export { TPU_TARGETS, tpuTarget, type TpuTarget } from './tpu-targets.ts';
export { treeToHost } from './tree-to-host.ts';
export { compile, Program, type CompileSettings, type PreparedGraph } from './program.ts';
