import { open, type FileHandle } from 'node:fs/promises';
import { fillFile } from '../../base/index.ts';
import type { HostArray, TensorType } from '../../xla/index.ts';
import { CHECKSUM, NO_CHECKSUM, RunningChecksum } from './safetensors-checksum.ts';
import { layOut } from './safetensors.ts';

/** A tensor whose numbers are brought when their turn comes. */
export interface TensorSource extends TensorType {
  /** Its values, brought when they are written. */
  read(): Promise<HostArray>;
}

/**
 * Writes tensors one after the other, so that only one of them is in memory at a time, with a checksum of the whole file
 * in its metadata.
 *
 * The file appears at `path` whole or not at all. `beforeSwap` runs when the new file is whole and the old one still there.
 */
export async function streamSafetensors(
  path: string,
  tensors: ReadonlyMap<string, TensorSource>,
  metadata: Readonly<Record<string, string>> = {},
  beforeSwap: () => Promise<void> = async () => {},
): Promise<void> {
  const { head, ordered } = layOut(tensors, { [CHECKSUM]: NO_CHECKSUM, ...metadata });
  await fillFile(path, async (draft) => {
    const file = await open(draft, 'wx');
    try {
      const sum = new RunningChecksum();
      const write = async (bytes: Uint8Array) => {
        sum.add(bytes);
        await writeAll(file, bytes);
      };
      await write(head);
      for (const [, tensor] of ordered) {
        const { buffer, byteOffset, byteLength } = await tensor.read();
        await write(new Uint8Array(buffer, byteOffset, byteLength));
      }
      await file.write(Buffer.from(sum.toString()), 0, NO_CHECKSUM.length, head.indexOf(NO_CHECKSUM));
      await file.sync();
    } finally {
      await file.close();
    }
    await beforeSwap();
  });
}

/** A write call may take a part only, such as the last that fits on the disk; the next call then says why. */
async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += (await file.write(bytes, written)).bytesWritten;
  }
}
