import { formatCount } from '../base/index.ts';
import { MOST_CLASSES } from './classes.ts';
import { DataError, type Place } from './data-error.ts';
import { bytesValue, integerValues, parseExample, type Features } from './example.ts';
import type { Layout, LayoutOptions } from './layout.ts';

/** What the index keeps of a record. */
export interface RecordFields {
  /** Where the encoded picture is in the record's data. */
  readonly imageStart: number;
  readonly imageLength: number;
  /** Class number; -1 where there is none. */
  readonly label: number;
  readonly id: string | undefined;
}

// Tags of the wire format: field 1, 2 or 3, of a length that follows.
const FIELD_1 = 0x0a;
const FIELD_2 = 0x12;
const FIELD_3 = 0x1a;
const BYTES_LIST = FIELD_1;
const FLOAT_LIST = FIELD_2;
const INT64_LIST = FIELD_3;

/**
 * Finds the three features of a layout in records.
 *
 * A data set has many records and they all look alike, so a scan of the wire format in its usual form goes first: it
 * takes a fifth of the time of parsing the whole message. What isn't in that form goes to the parser, which knows every
 * form there is and says what is wrong.
 */
export class RecordReader {
  readonly #layout: Layout;
  readonly #labelsMayLack: boolean;
  readonly #image: Buffer;
  readonly #label: Buffer | undefined;
  readonly #id: Buffer | undefined;
  /** Where the scan is. */
  #at = 0;

  constructor(layout: Layout, { labelsMayLack = false }: Pick<LayoutOptions, 'labelsMayLack'> = {}) {
    this.#layout = layout;
    this.#labelsMayLack = labelsMayLack;
    this.#image = Buffer.from(layout.image);
    this.#label = layout.label === undefined ? undefined : Buffer.from(layout.label);
    this.#id = layout.id === undefined ? undefined : Buffer.from(layout.id);
  }

  /** @throws DataError `BAD_EXAMPLE`, `MISSING_FEATURE`, `SEVERAL_LABELS` or `LABEL_OUT_OF_RANGE`. */
  read(data: Buffer, place: Place): RecordFields {
    return this.scan(data) ?? this.#parse(data, place);
  }

  /** The fields of a record in the usual form; undefined for any other, be it good or bad. */
  scan(data: Buffer): RecordFields | undefined {
    let image = -1;
    let imageLength = 0;
    let label = this.#label === undefined ? -1 : undefined;
    let id: string | undefined;
    this.#at = 0;
    if (this.#length(data, FIELD_1, data.length) === -1 || this.#at + this.#last !== data.length) return undefined;
    while (this.#at < data.length) {
      const entryEnd = this.#length(data, FIELD_1, data.length);
      const keyEnd = entryEnd === -1 ? -1 : this.#length(data, FIELD_1, entryEnd);
      if (keyEnd === -1) return undefined;
      const key = this.#at;
      this.#at = keyEnd;
      if (this.#length(data, FIELD_2, entryEnd) !== entryEnd) return undefined;
      const kind = data[this.#at];
      if (this.#length(data, kind, entryEnd) !== entryEnd) return undefined;
      const list = this.#at;
      if (!isAscii(data, key, keyEnd) || !this.#isList(data, kind, entryEnd)) return undefined;
      this.#at = list;
      if (isAt(data, key, keyEnd, this.#image)) {
        if (kind !== BYTES_LIST || image !== -1 || this.#length(data, FIELD_1, entryEnd) === -1) return undefined;
        image = this.#at;
        imageLength = this.#last;
      } else if (isAt(data, key, keyEnd, this.#label)) {
        if (kind !== INT64_LIST || label !== undefined || this.#length(data, FIELD_1, entryEnd) === -1)
          return undefined;
        label = this.#varint(data, entryEnd);
        if (label === -1 || this.#at !== entryEnd) return undefined;
      } else if (isAt(data, key, keyEnd, this.#id)) {
        if (kind === FLOAT_LIST || id !== undefined || this.#length(data, FIELD_1, entryEnd) === -1) return undefined;
        if (kind === BYTES_LIST) {
          // Writers without a name for a picture often write an empty one.
          if (this.#last > 0) id = data.toString('utf8', this.#at, this.#at + this.#last);
        } else {
          const number = this.#varint(data, entryEnd);
          if (number === -1) return undefined;
          id = String(number);
        }
      }
      this.#at = entryEnd;
    }
    return image === -1 || label === undefined || label >= MOST_CLASSES
      ? undefined
      : { imageStart: image, imageLength, label, id };
  }

  /** Length of the field last entered. */
  #last = 0;

  /** Enters the field with that tag and returns where it ends; -1 where another one is there, or it goes beyond `end`. */
  #length(data: Buffer, tag: number, end: number): number {
    if (this.#at >= end || data[this.#at] !== tag) return -1;
    this.#at++;
    this.#last = this.#varint(data, end);
    return this.#last === -1 || this.#at + this.#last > end ? -1 : this.#at + this.#last;
  }

  /** A number of at most four bytes; -1 for a longer one. */
  #varint(data: Buffer, end: number): number {
    let value = 0;
    for (let shift = 0; shift < 28 && this.#at < end; shift += 7) {
      const byte = data[this.#at++];
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return -1;
  }

  /** Whether a list of that kind, up to `end`, is as writers make it. */
  #isList(data: Buffer, kind: number, end: number): boolean {
    if (this.#at === end) return true;
    if (kind === BYTES_LIST) {
      while (this.#at < end) {
        const next = this.#length(data, FIELD_1, end);
        if (next === -1) return false;
        this.#at = next;
      }
      return true;
    }
    if (this.#length(data, FIELD_1, end) !== end) return false;
    if (kind === FLOAT_LIST) return this.#last % 4 === 0;
    if (kind !== INT64_LIST || this.#last === 0) return false;
    let run = 0;
    for (let i = this.#at; i < end; i++) {
      if (++run > 10) return false;
      if (data[i] < 0x80) run = 0;
    }
    return run === 0;
  }

  #parse(data: Buffer, place: Place): RecordFields {
    const layout = this.#layout;
    const features = parseExample(data, place);
    const image = bytesValue(features, layout.image);
    if (image === undefined) throw lacking(layout.image, place);
    return {
      imageStart: image.byteOffset - data.byteOffset,
      imageLength: image.length,
      label: this.#labelOf(features, place),
      id: layout.id === undefined ? undefined : idOf(features, layout.id),
    };
  }

  #labelOf(features: Features, place: Place): number {
    const { label } = this.#layout;
    if (label === undefined || (this.#labelsMayLack && isUnlabelled(features, label))) return -1;
    return labelOf(features, label, place);
  }
}

/** Test splits that are not to be seen through have no labels, or -1 in their place, as TFDS writes it. */
function isUnlabelled(features: Features, name: string): boolean {
  const values = integerValues(features, name);
  return values.length === 0 || (values.length === 1 && Number(values[0]) === -1);
}

function labelOf(features: Features, name: string, place: Place): number {
  const values = integerValues(features, name);
  if (values.length === 0) throw lacking(name, place);
  if (values.length > 1) {
    throw new DataError('SEVERAL_LABELS', `feature "${name}" has ${values.length} values`, {
      place,
      expected: 'the number of one class',
      hint: 'one-hot labels, and pictures of several classes, are to be turned into one number first',
    });
  }
  const label = Number(values[0]);
  if (label >= 0 && label < MOST_CLASSES) return label;
  const what = label < 0 ? 'is negative' : `is none of ${formatCount(MOST_CLASSES)} classes`;
  throw new DataError('LABEL_OUT_OF_RANGE', `label ${label} in feature "${name}" ${what}`, { place });
}

function idOf(features: Features, name: string): string | undefined {
  const text = bytesValue(features, name);
  if (text !== undefined)
    return text.length > 0 ? Buffer.from(text.buffer, text.byteOffset, text.length).toString('utf8') : undefined;
  const [number] = integerValues(features, name);
  return number?.toString();
}

function isAt(data: Buffer, start: number, end: number, word: Buffer | undefined): boolean {
  if (word === undefined || word.length !== end - start) return false;
  for (let i = 0; i < word.length; i++) if (data[start + i] !== word[i]) return false;
  return true;
}

function isAscii(data: Buffer, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (data[i] >= 0x80) return false;
  return true;
}

function lacking(name: string, place: Place): DataError {
  return new DataError('MISSING_FEATURE', `no value in feature "${name}", which other records have`, { place });
}
