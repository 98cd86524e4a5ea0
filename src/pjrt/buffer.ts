import { awaitEvent } from './event.ts';
import { byteLengthOf, type ElementType } from './element-type.ts';
import { PjrtError } from './error.ts';
import type { Api } from './api.ts';
import type { Device } from './device.ts';
import type { Pointer } from './ffi.ts';
import { MEMORY_LAYOUT } from './functions.ts';
import { NativeObject } from './native-object.ts';
import type { Addressed } from './struct.ts';

/** What a buffer needs of its client. */
export interface BufferOwner {
  readonly api: Api;
  /** Buffers not yet destroyed. */
  readonly buffers: Set<Buffer>;
  whileAlive<T>(work: () => Promise<T>): Promise<T>;
}

/**
 * An array in the memory of one device.
 *
 * Whoever got it destroys it: the caller of `bufferFromHost` and of `execute`. A program never takes that over. When it
 * was given the memory (donation), the handle stays, `isDeleted()` turns true, and `destroy()` still has to be called.
 * What is left is destroyed with the client.
 */
export class Buffer extends NativeObject {
  readonly elementType: ElementType;
  readonly shape: readonly number[];
  readonly device: Device;
  readonly #owner: BufferOwner;
  #isDonated = false;

  constructor(owner: BufferOwner, handle: Pointer, elementType: ElementType, shape: readonly number[], device: Device) {
    super(handle);
    this.#owner = owner;
    this.elementType = elementType;
    this.shape = shape;
    this.device = device;
    owner.buffers.add(this);
  }

  override toString(): string {
    return `the buffer ${this.elementType}[${this.shape.join(',')}]`;
  }

  /** Notes that a program has taken the memory. */
  markDonated(): void {
    this.#isDonated = true;
  }

  protected override get handle(): Pointer {
    // The plugin would notice too, but some crash then.
    if (this.#isDonated && !this.isDestroyed) {
      throw new PjrtError('INVALID_ARGUMENT', `${this.toString()} is used after a program took its memory (donation)`);
    }
    return super.handle;
  }

  /** Bytes of a dense copy on the host. */
  get byteLength(): number {
    return byteLengthOf(this.elementType, this.shape);
  }

  /** Bytes on the device, padding included. */
  get deviceByteLength(): number {
    return this.#owner.api.call('Buffer_OnDeviceSizeInBytes', { buffer: this.handle }).on_device_size_in_bytes;
  }

  /** A copy on the host, dense and row-major, once the buffer has been computed. */
  async toHost(): Promise<Uint8Array<ArrayBuffer>> {
    const { api } = this.#owner;
    const bytes = new Uint8Array(this.byteLength);
    await this.use(async (src) => {
      const { event } = await api.callAsync('Buffer_ToHostBuffer', {
        src,
        host_layout: rowMajor(this.shape.length, api.version.minor),
        dst: bytes,
        dst_size: bytes.length,
      });
      await awaitEvent(api, event, [bytes]);
    });
    return bytes;
  }

  /** Resolves when the buffer has been computed, and throws what the computation failed with. */
  async ready(): Promise<void> {
    const { api } = this.#owner;
    await this.use((buffer) => awaitEvent(api, api.call('Buffer_ReadyEvent', { buffer }).event));
  }

  protected override use<T>(work: (handle: Pointer) => Promise<T>): Promise<T> {
    return this.#owner.whileAlive(() => super.use(work));
  }

  /** Whether the memory is gone: donated to a program, or destroyed. */
  isDeleted(): boolean {
    if (this.isDestroyed || this.#isDonated) return true;
    return this.#owner.api.call('Buffer_IsDeleted', { buffer: this.handle }).is_deleted;
  }

  /** Where the data lies in the device's memory. */
  devicePointer(): Pointer {
    return this.#owner.api.call('Buffer_OpaqueDeviceMemoryDataPointer', { buffer: this.handle }).device_memory_ptr;
  }

  /** Frees the memory, unless a program has it, and the handle. A second call does nothing. */
  override destroy(): void {
    this.#owner.buffers.delete(this);
    super.destroy();
  }

  protected override free(buffer: Pointer): void {
    this.#owner.api.call('Buffer_Destroy', { buffer });
  }
}

const TILED = 0;
const TILED_BYTES = 56;

/** Without it a plugin copies in the order of the device, which on a TPU is not row-major. */
function rowMajor(rank: number, minor: number): Addressed {
  return MEMORY_LAYOUT.create(minor).write({
    tiled_struct_size: TILED_BYTES,
    minor_to_major: Array.from({ length: rank }, (_, i) => rank - 1 - i),
    type: TILED,
  });
}
