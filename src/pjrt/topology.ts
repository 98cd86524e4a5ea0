import type { Api } from './api.ts';
import { encodeCompileOptions, type CompileOptions } from './compile-options.ts';
import { DeviceDescription, type DeviceOwner } from './device.ts';
import { Executable } from './executable.ts';
import type { Pointer } from './ffi.ts';
import { NativeObject } from './native-object.ts';
import { encodeProgram } from './program.ts';

/** A set of devices that need not be at hand: programs can be compiled for it, not run. */
export class Topology extends NativeObject implements DeviceOwner {
  readonly platformName: string;
  readonly platformVersion: string;
  readonly devices: readonly DeviceDescription[];
  readonly #api: Api;

  constructor(api: Api, topology: Pointer) {
    super(topology);
    const argument = { topology };
    this.#api = api;
    this.platformName = api.call('TopologyDescription_PlatformName', argument).platform_name;
    this.platformVersion = api.call('TopologyDescription_PlatformVersion', argument).platform_version;
    const { descriptions } = api.call('TopologyDescription_GetDeviceDescriptions', argument);
    this.devices = descriptions.map((description) => new DeviceDescription(api, description, this));
  }

  /** Compiles StableHLO, as text or as MLIR bytecode, for these devices. */
  async compile(program: string | Uint8Array, options: CompileOptions): Promise<Executable> {
    const api = this.#api;
    const ids = this.devices.map((device) => device.id);
    return this.use(async (topology) => {
      const { executable } = await api.callAsync('Compile', {
        topology,
        program: encodeProgram(program, api.version.minor),
        compile_options: encodeCompileOptions(options, ids),
      });
      return new Executable(api, executable);
    });
  }

  requireAlive(): void {
    void this.handle;
  }

  override toString(): string {
    return `the ${this.platformName} topology`;
  }

  protected override free(topology: Pointer): void {
    this.#api.call('TopologyDescription_Destroy', { topology });
  }
}
