import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeExample } from './example.ts';
import { RecordReader } from './record-fields.ts';

const LAYOUT = { name: 'Kaggle', image: 'image', label: 'class', id: 'id' };
const PLACE = { file: 'x.tfrec', record: 0, offset: 12 };
const reader = new RecordReader(LAYOUT);
const image = Buffer.alloc(300, 7);

test('a record in the usual form is scanned, and gives what the parser gives', () => {
  const data = Buffer.from(encodeExample({ class: 77, extra: 'x', image, id: 'blüte' }));
  const found = reader.scan(data)!;
  assert.equal(found.label, 77);
  assert.equal(found.id, 'blüte');
  assert.deepEqual(data.subarray(found.imageStart, found.imageStart + found.imageLength), image);
  assert.deepEqual(reader.read(data, PLACE), found);
});

test('an id may be a number', () => {
  for (const [id, text] of [
    [7, '7'],
    [2 ** 31 + 5, '2147483653'],
    [2 ** 40, '1099511627776'],
  ] as const) {
    const data = Buffer.from(encodeExample({ image, class: 3, id }));
    assert.equal(reader.read(data, PLACE).id, text);
  }
});

test('an empty id is none', () => {
  const data = Buffer.from(encodeExample({ image, class: 3, id: '' }));
  assert.equal(reader.scan(data)?.label, 3);
  assert.equal(reader.read(data, PLACE).id, undefined);
  // As the parser sees it, which an unknown field sends it to.
  assert.equal(reader.read(Buffer.concat([data, Buffer.of(0x20, 1)]), PLACE).id, undefined);
});

test('no prefix of a record is taken for one', () => {
  const data = Buffer.from(encodeExample({ image, class: 3, id: 'a' }));
  for (let length = 0; length < data.length; length++) {
    assert.equal(reader.scan(data.subarray(0, length)), undefined, `the first ${length} bytes`);
  }
});

// What the scan leaves to the parser, with what the parser makes of it.
const bytes = (...parts: (number | string)[]) =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.of(part))));
const field = (tag: number, content: Buffer) => Buffer.concat([bytes(tag, content.length), content]);
const entry = (name: string, feature: Buffer) =>
  field(0x0a, Buffer.concat([field(0x0a, Buffer.from(name)), field(0x12, feature)]));
const example = (...entries: Buffer[]) => field(0x0a, Buffer.concat(entries));
const picture = entry('image', field(0x0a, field(0x0a, Buffer.from('jpeg'))));
const label = (...content: number[]) => entry('class', field(0x1a, Buffer.from(content)));

for (const [name, data, expected] of [
  ['a label that is not packed', example(picture, label(0x08, 5)), 5],
  ['a feature that comes twice', example(picture, label(0x0a, 1, 5), label(0x0a, 1, 6)), 6],
  ['an unknown field', Buffer.concat([example(picture, label(0x0a, 1, 5)), Buffer.of(0x20, 1)]), 5],
] as const) {
  test(`${name} is left to the parser`, () => {
    assert.equal(reader.scan(data), undefined);
    assert.equal(reader.read(data, PLACE).label, expected);
  });
}

for (const [name, data, code] of [
  ['a negative label', example(picture, label(0x0a, 10, ...Array<number>(9).fill(0xff), 1)), 'LABEL_OUT_OF_RANGE'],
  [
    'a label of a class that nobody has',
    example(picture, label(0x0a, 5, 0xff, 0xff, 0xff, 0xff, 7)),
    'LABEL_OUT_OF_RANGE',
  ],
  ['a label of one class too many', example(picture, label(0x0a, 3, 0xc0, 0x84, 0x3d)), 'LABEL_OUT_OF_RANGE'],
  ['a record without a label', example(picture), 'MISSING_FEATURE'],
  ['a one-hot label', example(picture, label(0x0a, 4, 0, 0, 1, 0)), 'SEVERAL_LABELS'],
  ['a picture with no bytes list', example(entry('image', Buffer.alloc(0)), label(0x0a, 1, 5)), 'MISSING_FEATURE'],
  [
    'damage in a feature that nobody asks for',
    example(picture, label(0x0a, 1, 5), entry('x', Buffer.of(0x12, 2, 0x0a, 9))),
    'BAD_EXAMPLE',
  ],
  ['damage in a name', example(picture, label(0x0a, 1, 5), field(0x0a, Buffer.of(0x0a, 200, 0x12, 0))), 'BAD_EXAMPLE'],
] as const) {
  test(`${name} is refused`, () => {
    assert.equal(reader.scan(data), undefined);
    assert.throws(() => reader.read(data, PLACE), { code, place: PLACE });
  });
}

test('where labels may lack, none and -1 mean no label; elsewhere both are refused', () => {
  const hiding = new RecordReader(LAYOUT, { labelsMayLack: true });
  const hidden = Buffer.from(encodeExample({ image, class: -1, id: 'a' }));
  const none = Buffer.from(encodeExample({ image, id: 'a' }));
  assert.deepEqual([hiding.read(hidden, PLACE).label, hiding.read(none, PLACE).label], [-1, -1]);
  assert.equal(hiding.read(Buffer.from(encodeExample({ image, class: 3, id: 'a' })), PLACE).label, 3);
  assert.throws(() => reader.read(hidden, PLACE), { code: 'LABEL_OUT_OF_RANGE' });
  assert.throws(() => reader.read(none, PLACE), { code: 'MISSING_FEATURE' });
  const other = Buffer.from(encodeExample({ image, class: -2, id: 'a' }));
  assert.throws(() => hiding.read(other, PLACE), { code: 'LABEL_OUT_OF_RANGE' });
});
