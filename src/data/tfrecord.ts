import { DataError } from './data-error.ts';
import { readPieces, readWhole } from './file-pieces.ts';
import { gunzipFile, isGzip } from './gunzip.ts';
import { maskedCrc } from './masked-crc.ts';
import { storageOf } from './storage/storage.ts';
import type { StoredFile } from './storage/stored-file.ts';

// A record on disk: length (uint64), masked CRC-32C of the length, data, masked CRC-32C of the data; little-endian.
// Source: https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details
export const HEADER_BYTES = 12;
export const FOOTER_BYTES = 4;

/** What is read to see what a file is: it has the first records, which are all that some want. */
const HEAD_BYTES = 256 * 2 ** 10;

/** Takes what a scan finds, in the order of the file. */
export interface RecordSink {
  /**
   * One whole record with good checksums; `offset` is where its data starts. The bytes are only valid during the call
   * unless the scan keeps them. Returning false ends the scan.
   */
  record(data: Buffer, record: number, offset: number): boolean | void;
  /** One bad record. `restLost` says that the records behind it can't be found. May throw to end the scan. */
  bad(error: DataError, restLost: boolean): void;
}

export interface ScanOptions {
  /** Keep the whole file in memory and resolve with it. gzip files are kept always: they can't be read by offset. */
  readonly keep?: boolean;
  readonly signal?: AbortSignal;
  /** Called with the number of bytes of the file read since the last call. */
  readonly onBytes?: (bytes: number) => void;
  /** Given all bytes of a plain file that isn't kept, in order; they are only valid until it resolves. */
  readonly onPiece?: (piece: Buffer, position: number) => Promise<void>;
  /** Most bytes that a gzip file may unpack to. */
  readonly gzipLimit?: number;
}

/** What stays after a scan: the whole content where it was kept, to be sliced by the offsets the sink got. */
export interface Scanned {
  readonly bytes: Buffer | undefined;
}

/**
 * Reads a TFRecord file, plain or gzip, from start to end, checking both checksums of every record.
 *
 * @throws DataError `NOT_FOUND`; everything wrong inside the file goes to `sink.bad`.
 */
export async function scanTfrecord(file: string, sink: RecordSink, options: ScanOptions = {}): Promise<Scanned> {
  const stored = await (await storageOf(file)).open(file);
  try {
    const head = await readWhole(stored, Buffer.allocUnsafe(Math.min(stored.size, HEAD_BYTES)), 0);
    if (!isGzip(head) || hasValidLength(head)) return { bytes: await scanPlain(file, stored, head, sink, options) };
    const { bytes, error } = await gunzipFile(file, stored, options);
    scanBuffer(file, bytes, sink, error);
    return { bytes };
  } finally {
    await stored.close();
  }
}

/** Whether a file starts with a record's header: tells a plain file from a gzip file whose magic is a possible length. */
function hasValidLength(head: Buffer): boolean {
  return head.length >= HEADER_BYTES && head.readUInt32LE(8) === maskedCrc(head.subarray(0, 8));
}

async function scanPlain(
  file: string,
  stored: StoredFile,
  head: Buffer,
  sink: RecordSink,
  { keep = false, signal, onBytes, onPiece }: ScanOptions,
): Promise<Buffer | undefined> {
  const { size } = stored;
  const scanner = new Scanner(file, size, sink);
  // Shared memory isn't counted by the garbage collector, which else runs again and again while large files come in.
  const kept = keep ? Buffer.from(new SharedArrayBuffer(size)) : undefined;
  kept?.set(head);
  const window = new Window();
  let filled = 0;
  const take = async (piece: Buffer) => {
    onBytes?.(piece.length);
    filled += piece.length;
    if (kept === undefined) {
      window.add(piece);
      scanner.scan(window.bytes, window.base);
      await onPiece?.(piece, filled - piece.length);
      window.drop(scanner.position);
    } else {
      scanner.scan(kept.subarray(0, filled), 0);
    }
  };
  signal?.throwIfAborted();
  await take(head);
  if (!scanner.done) {
    const memory = kept && ((at: number, length: number) => kept.subarray(at, at + length));
    for await (const piece of readPieces(stored, head.length, memory)) {
      signal?.throwIfAborted();
      await take(piece);
      if (scanner.done) break;
    }
  }
  if (!scanner.done) scanner.fail('TRUNCATED', 'the file got shorter while it was read');
  return kept;
}

/** What has come of a file and was not yet taken. */
class Window {
  /** Where it starts in the file. */
  base = 0;
  #memory = Buffer.alloc(0);
  #start = 0;
  #end = 0;

  get bytes(): Buffer {
    return this.#memory.subarray(this.#start, this.#end);
  }

  add(piece: Buffer): void {
    const left = this.bytes;
    const needed = left.length + piece.length;
    // A record of many pieces is not copied again for each of them.
    if (needed > this.#memory.length) this.#memory = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#memory.length));
    if (left.buffer !== this.#memory.buffer || this.#start > 0) this.#memory.set(left);
    this.#memory.set(piece, left.length);
    [this.#start, this.#end] = [0, needed];
  }

  /** Lets go of everything before a position. */
  drop(position: number): void {
    this.#start += position - this.base;
    this.base = position;
  }
}

function scanBuffer(file: string, bytes: Buffer, sink: RecordSink, error: DataError | undefined): void {
  const scanner = new Scanner(file, bytes.length, sink);
  if (!scanner.done) scanner.scan(bytes, 0);
  if (error !== undefined && !scanner.ended) sink.bad(error, true);
}

/** Whether bytes begin like zlib's (RFC 1950, section 2.2), as TensorFlow writes TFRecords with `ZLIB`. */
function isZlib(bytes: Buffer): boolean {
  return bytes[0] === 0x78 && bytes.readUInt16BE() % 31 === 0;
}

/** Finds records in bytes that come piece by piece. */
class Scanner {
  /** Where the next record starts. */
  position = 0;
  /** Whether a bad record or the sink ended the scan before the end of the file. */
  ended = false;
  readonly #file: string;
  readonly #size: number;
  readonly #sink: RecordSink;
  #record = 0;

  constructor(file: string, size: number, sink: RecordSink) {
    this.#file = file;
    this.#size = size;
    this.#sink = sink;
  }

  get done(): boolean {
    return this.ended || this.position === this.#size;
  }

  /** Hands on all whole records in `bytes`, which start at byte `base` of the file. */
  scan(bytes: Buffer, base: number): void {
    while (!this.done) {
      const at = this.position - base;
      if (this.#size - this.position < HEADER_BYTES) return this.#truncated('its header');
      if (bytes.length - at < HEADER_BYTES) return;
      if (bytes.readUInt32LE(at + 8) !== maskedCrc(bytes.subarray(at, at + 8)))
        return this.#badLength(bytes.subarray(at));
      const length = bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 2 ** 32;
      const whole = HEADER_BYTES + length + FOOTER_BYTES;
      if (this.#size - this.position < whole) return this.#truncated(`its ${length} bytes of data`);
      if (bytes.length - at < whole) return;
      const data = bytes.subarray(at + HEADER_BYTES, at + HEADER_BYTES + length);
      if (bytes.readUInt32LE(at + HEADER_BYTES + length) === maskedCrc(data)) {
        if (this.#sink.record(data, this.#record, this.position + HEADER_BYTES) === false) this.ended = true;
      } else {
        this.fail('BAD_CHECKSUM', "the data doesn't match its checksum", false);
      }
      this.position += whole;
      this.#record++;
    }
  }

  fail(code: string, message: string, restLost = true, hint = 'copy or download the file again'): void {
    if (restLost) this.ended = true;
    const place = { file: this.#file, record: this.#record, offset: this.position };
    this.#sink.bad(new DataError(code, message, { place, hint }), restLost);
  }

  #badLength(bytes: Buffer): void {
    if (this.#record > 0) return this.fail('BAD_CHECKSUM', "the length doesn't match its checksum");
    if (isZlib(bytes)) {
      const hint = "write it with compression_type='GZIP', or without compression";
      return this.fail('NOT_TFRECORD', 'a file compressed with zlib, which is not read', true, hint);
    }
    return this.fail('NOT_TFRECORD', 'not a TFRecord file, or its first length is damaged: wrong checksum');
  }

  #truncated(part: string): void {
    const left = this.#size - this.position;
    if (this.#record === 0 && left < HEADER_BYTES) {
      return this.fail('NOT_TFRECORD', `not a TFRecord file: ${left} bytes are less than the header of one record`);
    }
    return this.fail('TRUNCATED', `the file ends inside ${part}, ${left} bytes after the record starts`);
  }
}
