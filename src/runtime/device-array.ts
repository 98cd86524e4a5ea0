import type { Buffer } from '../pjrt/index.ts';
import { formatShape, hostArray, type DType, type HostArray, type Shape, type TensorType } from '../xla/index.ts';
import { RuntimeError } from './errors.ts';

/**
 * Numbers that live on the devices: one buffer for each replica, all of one shape and dtype.
 *
 * A replicated array has the same numbers in all buffers, a sharded one its part of the batch in each. Whoever got the
 * array disposes of it; a program that an array is donated to does so itself.
 */
export class DeviceArray implements TensorType {
  /** Shape of one replica's buffer. */
  readonly shape: Shape;
  readonly dtype: DType;
  readonly #buffers: readonly Buffer[];
  readonly #listeners = new Set<() => void>();
  #disposed = false;

  constructor({ shape, dtype }: TensorType, buffers: readonly Buffer[]) {
    this.shape = shape;
    this.dtype = dtype;
    this.#buffers = buffers;
  }

  get disposed(): boolean {
    return this.#disposed;
  }

  /** One buffer for each replica. */
  get buffers(): readonly Buffer[] {
    if (this.#disposed) {
      throw new RuntimeError(
        'DISPOSED',
        `an array ${this.dtype}${formatShape(this.shape)} is used after it was disposed of`,
        {
          hint: 'a program uses up the arrays that are donated to it: use its results instead',
        },
      );
    }
    return this.#buffers;
  }

  /** Copies one replica's numbers to the host, row-major. */
  async toHost(replica = 0): Promise<HostArray> {
    const { buffers } = this;
    if (!(replica in buffers)) {
      throw new RuntimeError('ARGUMENTS', `there is no replica ${replica}`, {
        expected: `a number from 0 to ${buffers.length - 1}`,
      });
    }
    const bytes = await buffers[replica].toHost();
    const whole = bytes.byteOffset === 0 && bytes.byteLength === bytes.buffer.byteLength;
    return hostArray(this.dtype, whole ? bytes.buffer : bytes.slice().buffer);
  }

  /** Calls `listener` when the array is disposed of; the function that it returns takes that back. */
  onDispose(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Gives the memory back on all devices; twice does nothing. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const buffer of this.#buffers) buffer.destroy();
    for (const listener of this.#listeners) listener();
    this.#listeners.clear();
  }
}

/** Tells device arrays from the branches of a tree. */
export const isDeviceArray = (value: unknown): value is DeviceArray => value instanceof DeviceArray;
