import type { Api } from './api.ts';
import { Buffer } from './buffer.ts';
import { encodeCompileOptions, type CompileOptions } from './compile-options.ts';
import { askDebugOptions, withExtraOptions } from './debug-options.ts';
import { Device, type DeviceOwner } from './device.ts';
import { byteLengthOf, elementTypeNumber, type ElementType } from './element-type.ts';
import { PjrtError } from './error.ts';
import { awaitEvent } from './event.ts';
import type { Pointer } from './ffi.ts';
import { lastingMemory } from './lasting-memory.ts';
import { LoadedExecutable, type ProgramOwner } from './loaded-executable.ts';
import { encodeProgram, type FormattedProgram } from './program.ts';

/** `PJRT_HostBufferSemantics_kImmutableUntilTransferCompletes`. */
const IMMUTABLE_UNTIL_TRANSFERRED = 1;

/** A plugin's hold on the devices of this machine. */
export class Client implements ProgramOwner, DeviceOwner, AsyncDisposable {
  readonly api: Api;
  /** `cpu`, `cuda`, `tpu`, … */
  readonly platformName: string;
  readonly platformVersion: string;
  /** All devices, those of other hosts included. */
  readonly devices: readonly Device[];
  /** The devices this process can use. */
  readonly addressableDevices: readonly Device[];
  /** Buffers not yet destroyed. */
  readonly buffers = new Set<Buffer>();
  /** Programs not yet destroyed. */
  readonly executables = new Set<LoadedExecutable>();
  readonly #client: Pointer;
  readonly #byHandle: ReadonlyMap<Pointer, Device>;
  /** The launch before the next one. */
  #lastLaunch: Promise<unknown> = Promise.resolve();
  readonly #running = new Set<Promise<unknown>>();
  #destroyed: Promise<void> | undefined;
  #defaults: Promise<Uint8Array | undefined> | undefined;

  readonly #afterDestroy: () => void;

  /** `afterDestroy` frees what the plugin may use for as long as the client lives. */
  constructor(api: Api, client: Pointer, afterDestroy: () => void = () => {}) {
    this.api = api;
    this.#afterDestroy = afterDestroy;
    this.#client = client;
    this.platformName = api.call('Client_PlatformName', { client }).platform_name;
    this.platformVersion = api.call('Client_PlatformVersion', { client }).platform_version;
    const { devices } = api.call('Client_Devices', { client });
    this.#byHandle = new Map(devices.map((handle) => [handle, new Device(api, handle, this)]));
    this.devices = [...this.#byHandle.values()];
    const { addressable_devices: addressable } = api.call('Client_AddressableDevices', { client });
    this.addressableDevices = addressable.map((handle) => this.deviceOf(handle));
  }

  /** How many buffers have not been destroyed. */
  get liveBufferCount(): number {
    return this.buffers.size;
  }

  /** The device with this address. */
  deviceOf(handle: Pointer): Device {
    const device = this.#byHandle.get(handle);
    if (device === undefined) throw new PjrtError('INTERNAL', 'the plugin named a device that it had not listed');
    return device;
  }

  /** Compiles StableHLO, as text or as MLIR bytecode, or a program in another format of the plugin's. */
  async compile(program: string | Uint8Array | FormattedProgram, options: CompileOptions): Promise<LoadedExecutable> {
    return this.whileAlive(async () => {
      const { extraOptions = [] } = options;
      const debugOptions = extraOptions.length === 0 ? undefined : await this.#debugOptions();
      const { executable } = await this.api.callAsync('Client_Compile', {
        client: this.#client,
        program: encodeProgram(program, this.api.version.minor),
        compile_options: this.#encode(options, debugOptions && withExtraOptions(debugOptions, extraOptions)),
      });
      return new LoadedExecutable(this, executable);
    });
  }

  /** What the plugin compiles with by default, the user's XLA_FLAGS in it; undefined where it doesn't say. */
  #debugOptions(): Promise<Uint8Array | undefined> {
    this.#defaults ??= askDebugOptions(this);
    return this.#defaults;
  }

  /** Loads a program that `serialize` of the same plugin gave. */
  async deserialize(serialized: Uint8Array, options: CompileOptions): Promise<LoadedExecutable> {
    return this.whileAlive(async () => {
      const { loaded_executable: loaded } = await this.api.callAsync('Executable_DeserializeAndLoad', {
        client: this.#client,
        serialized_executable: serialized,
        overridden_serialized_compile_options: this.#encode(options),
      });
      return new LoadedExecutable(this, loaded);
    });
  }

  #encode(options: CompileOptions, debugOptions?: Uint8Array): Uint8Array {
    const ids = this.addressableDevices.map((device) => device.id);
    return encodeCompileOptions(options, ids, debugOptions);
  }

  /**
   * Copies a dense row-major array to a device.
   *
   * @returns the buffer, when the plugin has read all of `data` and it may change again. Its memory stays where it is from then
   *   on: it can't be transferred to another thread, only copied.
   */
  async bufferFromHost(
    data: ArrayBufferView,
    type: ElementType,
    shape: readonly number[],
    device: Device,
  ): Promise<Buffer> {
    this.#requireOwn(device);
    const expected = byteLengthOf(type, shape);
    if (!ArrayBuffer.isView(data)) throw new PjrtError('INVALID_ARGUMENT', 'the data is no typed array');
    if (data.byteLength !== expected) {
      throw new PjrtError('INVALID_ARGUMENT', `the data doesn't fill an array of ${type}[${shape.join(',')}]`, {
        expected: `${expected} bytes`,
        received: `${data.byteLength}`,
      });
    }
    const memory = lastingMemory(data);
    return this.whileAlive(async () => {
      const { buffer, done_with_host_buffer: done } = await this.api.callAsync('Client_BufferFromHostBuffer', {
        client: this.#client,
        data: memory,
        type: elementTypeNumber(type),
        dims: shape,
        host_buffer_semantics: IMMUTABLE_UNTIL_TRANSFERRED,
        device: device.handle,
      });
      const result = new Buffer(this, buffer, type, [...shape], device);
      try {
        await awaitEvent(this.api, done, [memory]);
      } catch (error) {
        result.destroy();
        throw error;
      }
      return result;
    });
  }

  /** Starts `launch` when all launches before it have been handed to the devices. */
  inLaunchOrder<T>(launch: () => Promise<T>): Promise<T> {
    const next = this.#lastLaunch.then(launch, launch);
    this.#lastLaunch = next;
    return next;
  }

  /** A plugin follows whatever address it is given. */
  #requireOwn(device: Device): void {
    this.requireAlive();
    if (this.devices.includes(device)) return;
    throw new PjrtError('INVALID_ARGUMENT', `the device ${device.id} belongs to another client`, {
      hint: 'take one of client.addressableDevices',
    });
  }

  requireAlive(): void {
    if (this.#destroyed === undefined) return;
    throw new PjrtError('FAILED_PRECONDITION', `the ${this.platformName} client is used after destroy()`);
  }

  /** Runs work that has to be over before the client may go. */
  async whileAlive<T>(work: () => Promise<T>): Promise<T> {
    this.requireAlive();
    const running = work();
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  /** Waits for all that runs, then frees all buffers, programs and the devices. A second call waits for the first. */
  destroy(): Promise<void> {
    this.#destroyed ??= this.#destroy();
    return this.#destroyed;
  }

  async #destroy(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running);
    for (const buffer of this.buffers) buffer.destroy();
    for (const executable of this.executables) executable.destroy();
    await this.api.callAsync('Client_Destroy', { client: this.#client });
    this.#afterDestroy();
  }

  /** As `destroy`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.destroy();
  }
}
