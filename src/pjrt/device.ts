import type { Api } from './api.ts';
import { PjrtError } from './error.ts';
import type { Pointer } from './ffi.ts';
import { readNamedValues, type NamedValue } from './named-value.ts';

/** What a device belongs to: a client or a topology. Its devices are gone with it. */
export interface DeviceOwner {
  /** @throws PjrtError once it is destroyed. */
  requireAlive(): void;
}

/** What is known of a device, whether it is at hand or only part of a topology. */
export class DeviceDescription {
  /** Unique among the devices of all hosts. */
  readonly id: number;
  /** The host process the device belongs to. */
  readonly processIndex: number;
  /** The vendor's name of the model, such as `TPU v3`. */
  readonly kind: string;
  readonly debugString: string;
  protected readonly owner: DeviceOwner;
  readonly #api: Api;
  readonly #description: Pointer;

  constructor(api: Api, description: Pointer, owner: DeviceOwner) {
    const argument = { device_description: description };
    this.owner = owner;
    this.#api = api;
    this.#description = description;
    this.id = api.call('DeviceDescription_Id', argument).id;
    this.processIndex = api.call('DeviceDescription_ProcessIndex', argument).process_index;
    this.kind = api.call('DeviceDescription_Kind', argument).device_kind;
    this.debugString = api.call('DeviceDescription_DebugString', argument).debug_string;
  }

  /** Attributes as the plugin names them, such as `coords` and `core_on_chip` of a TPU. */
  attributes(): Record<string, NamedValue> {
    this.owner.requireAlive();
    const out = this.#api.call('DeviceDescription_Attributes', { device_description: this.#description });
    return readNamedValues(out.attributes, out.num_attributes);
  }
}

/** Bytes, as the device's allocator counts them; a plugin leaves out what it doesn't know. */
export interface DeviceMemoryStats {
  readonly bytesInUse: number;
  readonly peakBytesInUse?: number;
  readonly bytesLimit?: number;
  readonly largestFreeBlockBytes?: number;
}

/** A device of a client; it lives as long as the client does. */
export class Device extends DeviceDescription {
  /** The number on this host, such as the CUDA device number; -1 where there is none. */
  readonly localHardwareId: number;
  readonly #api: Api;
  readonly #device: Pointer;

  constructor(api: Api, device: Pointer, owner: DeviceOwner) {
    super(api, api.call('Device_GetDescription', { device }).device_description, owner);
    this.#api = api;
    this.#device = device;
    this.localHardwareId = api.call('Device_LocalHardwareId', { device }).local_hardware_id;
  }

  /** The plugin's address of it. */
  get handle(): Pointer {
    this.owner.requireAlive();
    return this.#device;
  }

  /** Memory in use on the device now, or undefined where the plugin doesn't count it (CPU). */
  memoryStats(): DeviceMemoryStats | undefined {
    if (!this.#api.has('Device_MemoryStats')) return undefined;
    try {
      const stats = this.#api.call('Device_MemoryStats', { device: this.handle });
      return {
        bytesInUse: stats.bytes_in_use,
        ...(stats.peak_bytes_in_use_is_set && { peakBytesInUse: stats.peak_bytes_in_use }),
        ...(stats.bytes_limit_is_set && { bytesLimit: stats.bytes_limit }),
        ...(stats.largest_free_block_bytes_is_set && { largestFreeBlockBytes: stats.largest_free_block_bytes }),
      };
    } catch (error) {
      if (error instanceof PjrtError && error.code === 'UNIMPLEMENTED') return undefined;
      throw error;
    }
  }
}
