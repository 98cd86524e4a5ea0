/** As far as it is used here: Node's types leave WebAssembly to those of browsers. */
interface Memory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

const PAGE = 2 ** 16;
const { prototype } = (globalThis as unknown as { WebAssembly: { Memory: { prototype: Memory } } }).WebAssembly.Memory;
const { grow } = prototype as { grow: (this: Memory, pages: number) => number };

/**
 * Lets the WebAssembly memory of this thread grow to so many bytes and no further; whoever asks for more gets an error there.
 *
 * The HDF5 library has 2 GB otherwise, and takes whatever a length in the file says before it looks whether the file has that many.
 */
export function limitMemory(bytes: number): void {
  prototype.grow = function (this: Memory, pages: number): number {
    if (this.buffer.byteLength + pages * PAGE > bytes) throw new RangeError(`more than ${bytes} bytes`);
    return grow.call(this, pages);
  };
}
