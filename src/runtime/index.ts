export {
  amdDriverVersion,
  HARDWARE,
  nvidiaDriverVersion,
  visibleAmdGpus,
  visibleNvidiaGpus,
  visibleTpus,
} from './accelerators.ts';
export { Backend, type BackendSettings } from './backend.ts';
export { deviceError } from './device-error.ts';
export { DEVICE_NAMES, openBackend, type BackendOptions, type DeviceName } from './open-backend.ts';
export { CompileCache } from './compile-cache.ts';
export { DeviceArray, isDeviceArray } from './device-array.ts';
export { RuntimeError } from './errors.ts';
export { jit, traceTrees, type ArraysOf, type Compiled, type JitOptions, type TypesOf } from './jit.ts';
export { compile, Program, type CompileSettings } from './program.ts';
