/**
 * The PJRT C API: plugins, clients, buffers, programs. Importing it sets the environment variables that plugins read
 * (`environment.ts`), as doing so later could end a process whose other threads read one.
 *
 * @packageDocumentation
 */
export { loadPlugin, type Plugin } from './plugin.ts';
export type { Client } from './client.ts';
export type { Device, DeviceDescription, DeviceMemoryStats } from './device.ts';
export type { Buffer } from './buffer.ts';
export type { CompiledMemoryStats, Executable, OptimizedProgram } from './executable.ts';
export type { Launch, LoadedExecutable } from './loaded-executable.ts';
export type { Topology } from './topology.ts';
export type { CompileOptions } from './compile-options.ts';
export type { KeyValueStore } from './key-value-store.ts';
export type { NamedValue, OptionValue, Options } from './named-value.ts';
export { byteLengthOf, elementSize, ELEMENT_TYPES, type ElementType } from './element-type.ts';
export { PjrtError, PluginLoadError, type PjrtErrorCode } from './error.ts';
export { endProcess } from './ffi.ts';
export { gatherLargePages, type GatherOptions } from './large-pages.ts';
export { environmentOfManyHeaps, isOneHeap, returningMemory } from './heap.ts';
export { reserveRun } from './run-memory.ts';
export type { FormattedProgram } from './program.ts';
