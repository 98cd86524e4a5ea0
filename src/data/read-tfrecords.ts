import { parseExample } from './example.ts';
import type { Feature } from './example_pb.ts';
import { filesOf, locate, type Split } from './locate.ts';
import { scanTfrecord } from './tfrecord.ts';

/** Values of one record by the feature's name; empty where a feature has none. */
export type ExampleValues = Readonly<Record<string, readonly Uint8Array[] | readonly number[] | readonly bigint[]>>;

/** Which records are read. */
export interface ReadOptions {
  /** Which part of a folder of TFRecords; all of it by default. Files of no split belong to each. */
  readonly split?: Split;
  readonly signal?: AbortSignal;
}

/**
 * The records of TFRecord files of `tf.train.Example`, plain or gzip, in the order of the files' names. Both checksums of
 * each record are checked. `location` is a file, a folder or a glob pattern.
 *
 * @throws DataError with file, record and byte where something is damaged; `NO_SPLIT` where the folder hasn't got the split.
 * @example
 * for await (const { image, class: label } of readTFRecords('flowers/train')) console.log(label[0], image[0].length);
 */
export async function* readTFRecords(
  location: string,
  { split, signal }: ReadOptions = {},
): AsyncGenerator<ExampleValues, void, void> {
  const located = await locate(location);
  const files = split === undefined ? [...located.splits.values()].flat() : filesOf(located, location, split);
  for (const file of files) {
    signal?.throwIfAborted();
    const records: Buffer[] = [];
    const sink = {
      // The scanner reads the next record into the same memory.
      record: (data: Uint8Array) => void records.push(Buffer.from(data)),
      bad: (error: Error) => {
        throw error;
      },
    };
    await scanTfrecord(file, sink, { signal });
    for (const [record, data] of records.entries()) yield valuesOf(parseExample(data, { file, record }));
  }
}

function valuesOf(features: Readonly<Record<string, Feature>>): ExampleValues {
  return Object.fromEntries(Object.entries(features).map(([name, { kind }]) => [name, kind.value?.value ?? []]));
}
