import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { Random } from '../../../src/base/index.ts';
import { readClassFile } from '../../../src/data/classes.ts';
import { encodeExample } from '../../../src/data/index.ts';
import { indexRecords } from '../../../src/data/record-index.ts';
import { frameRecord } from '../../../src/data/tfrecord-writer.ts';
import { scanTfrecord } from '../../../src/data/tfrecord.ts';
import { maskedCrc } from '../../../src/data/masked-crc.ts';
import { mutate, mutateText } from '../mutate.ts';
import type { Target } from '../target.ts';

const noise = (length: number): Buffer => {
  const random = new Random(1, 'picture');
  return Buffer.from(Uint8Array.from({ length }, () => random.integer(256)));
};

/** Records in the three known layouts. */
const EXAMPLES: readonly Uint8Array[] = [
  encodeExample({ image: noise(60), class: 3, id: 'rose-1' }),
  encodeExample({ 'image/encoded': noise(40), 'image/class/label': 1, 'image/filename': 'a.jpg' }),
  encodeExample({ image: noise(10), label: 0, file_name: 'b' }),
];

const GZIP_LIMIT = 2 ** 24;

/** Records one after the other; reads them as a data set does and as `data check` does. */
async function readRecords(path: string): Promise<void> {
  const sink = { record: () => {}, bad: () => {} };
  await scanTfrecord(path, sink, { gzipLimit: GZIP_LIMIT });
  await scanTfrecord(path, sink, { keep: true, gzipLimit: GZIP_LIMIT });
  await indexRecords([path], { badRecords: 'skip', keep: true });
  await indexRecords([path]);
}

const tfrecord: Target = {
  name: 'tfrecord',
  extension: '.tfrec',
  share: 1.5,
  async prepare() {
    const whole = Buffer.concat(EXAMPLES.map(frameRecord));
    return (random) => {
      const bytes = mutate([whole, frameRecord(EXAMPLES[0])], random);
      // A length that is wrong with the checksum that belongs to it.
      if (random.integer(3) === 0 && bytes.length >= 12) {
        bytes.writeBigUInt64LE(BigInt(random.uint32()) << BigInt(random.integer(33)));
        bytes.writeUInt32LE(maskedCrc(bytes.subarray(0, 8)), 8);
      }
      return bytes;
    };
  },
  read: readRecords,
};

const gzip: Target = {
  name: 'tfrecord-gzip',
  extension: '.tfrec.gz',
  share: 0.5,
  async prepare() {
    const whole = Buffer.concat(EXAMPLES.map(frameRecord));
    const packed = gzipSync(whole);
    return (random) => (random.integer(2) === 0 ? mutate([packed], random) : gzipSync(mutate([whole], random)));
  },
  read: async (path) => {
    await scanTfrecord(path, { record: () => {}, bad: (error) => { throw error; } }, { gzipLimit: GZIP_LIMIT }); // prettier-ignore
  },
};

const example: Target = {
  name: 'tf-example',
  extension: '.tfrec',
  share: 0.7,
  async prepare() {
    // The checksums are right, so that the damage reaches the protobuf reader.
    return (random) => Buffer.concat([EXAMPLES[0], mutate(EXAMPLES, random), EXAMPLES[0]].map(frameRecord));
  },
  read: readRecords,
};

const NAMES = [
  'daisy\nrose\ntulip\n',
  '0:daisy\n1:rose\n2:tulip\n',
  '["daisy", "rose"]',
  '{"0": "daisy", "1": "rose"}',
];
const WORDS = ['\n', ':', '0', '1:', '[', ']', '{', '}', '"', ',', 'null', '{"0":', '\\u0000', '\u00e9', '\ufeff', '1e9:', '__proto__']; // prettier-ignore

const classes = (name: string, extension: string): Target => ({
  name,
  extension,
  share: 1.5,
  prepare: async () => (random) => mutateText(NAMES, WORDS, random),
  read: async (path) => void (await readClassFile(path)),
});

/** The whole way of `openDataset` but for the pictures; a file of another kind altogether is none of records. */
const anything: Target = {
  name: 'noise',
  extension: '.tfrec',
  async prepare() {
    return (random) => {
      const bytes = Buffer.from(Uint8Array.from({ length: random.integer(300) }, () => random.integer(256)));
      return bytes;
    };
  },
  read: async (path) => {
    await readFile(path);
    await readRecords(path);
  },
};

export const recordTargets: readonly Target[] = [
  tfrecord,
  gzip,
  example,
  classes('classes-text', '.txt'),
  classes('classes-json', '.json'),
  anything,
];
