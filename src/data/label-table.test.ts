import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { after, test } from 'node:test';
import { listLabelled } from './label-table.ts';

const root = await mkdtemp(join(tmpdir(), 'sepal-table-'));
after(() => rm(root, { recursive: true }));
const photos = join(root, 'photos');
await mkdir(join(photos, 'more'), { recursive: true });
// Only their names matter here.
for (const name of ['a.jpg', 'b.png', 'more/c.jpg', 'more/d.jpeg', 'more/a.jpg', 'x.txt'])
  await writeFile(join(photos, name), '');

async function list(csv: string | Buffer, columns: { imageColumn?: string; labelColumn?: string } = {}) {
  const file = join(root, 'labels.csv');
  await writeFile(file, csv);
  const { classNames, files, labels, unlisted } = await listLabelled(photos, { file, ...columns });
  const pairs = files.map((path, i) => [relative(photos, path), classNames[labels[i]]]);
  return { classNames, unlisted, byFile: Object.fromEntries(pairs) as Record<string, string> };
}

test('files are named with or without folder and extension', async () => {
  const { classNames, byFile, unlisted } = await list(
    '\uFEFFid,breed\n./a.jpg,rose\nb,daisy\nc.jpg,rose\nmore/d,daisy\n',
  );
  assert.deepEqual(byFile, { 'a.jpg': 'rose', 'b.png': 'daisy', 'more/c.jpg': 'rose', 'more/d.jpeg': 'daisy' });
  assert.deepEqual(classNames, ['daisy', 'rose']);
  assert.equal(unlisted, 1);
});

test('letters with marks may be written in two ways, in UTF-8 or UTF-16', async () => {
  const photo = join(photos, 'bl\u00fcte.jpg'.normalize('NFD'));
  await writeFile(photo, '');
  const csv = 'file,label\nbl\u00fcte.jpg,B\u00e4rlauch\n';
  assert.deepEqual((await list(csv)).classNames, ['B\u00e4rlauch']);
  assert.deepEqual((await list(Buffer.from(`\ufeff${csv}`, 'utf16le'))).classNames, ['B\u00e4rlauch']);
  await assert.rejects(list(Buffer.from(csv, 'latin1')), { code: 'BAD_TABLE', message: /not in UTF-8/ });
  await rm(photo);
});

test('a folder in place of the table is named', async () => {
  await assert.rejects(listLabelled(photos, { file: photos }), {
    code: 'UNREADABLE',
    place: { file: photos },
    expected: 'a CSV file',
  });
});

test('quotes, semicolons, other column names and numbers are understood', async () => {
  const quoted = await list('when;what;which\n2020;"oxeye, daisy";c.jpg\n\n2021;rose;d\n', {
    imageColumn: 'which',
    labelColumn: 'what',
  });
  assert.deepEqual(quoted.classNames, ['oxeye, daisy', 'rose']);
  assert.deepEqual((await list('image,label\nb,10\nc,9\nd,10\n')).classNames, ['9', '10']);
});

test('the other separators may stand in labels without quotes, as pandas writes them', async () => {
  for (const [csv, label] of [
    ['file,label\nb,rose; wild\n', 'rose; wild'],
    ['file;label\nb;rose, wild\n', 'rose, wild'],
    ['\nfile\tlabel\nb\trose, wild; red\n', 'rose, wild; red'],
    ['"file","label","a; b; c; d"\n"b","rose",""\n', 'rose'],
  ]) {
    assert.deepEqual((await list(csv)).classNames, [label]);
  }
});

for (const [name, csv, code, message] of [
  [
    'a photo that is not there',
    'file,label\nb,rose\nnone.jpg,rose\n',
    'NO_SUCH_IMAGE',
    /labels\.csv: line 3 names no picture/,
  ],
  ['two labels for one photo', 'file,label\nb,rose\nb.png,daisy\n', 'TWO_LABELS', /b\.png has two labels/],
  ['no column for the class', 'file,colour\nb,red\n', 'NO_COLUMN', /no column for the label/],
  ['a quote that never ends', 'file,label\n"b,red\n', 'BAD_TABLE', /no table/],
  ['a row that is too short', 'file,label\nb\n', 'BAD_TABLE', /no table/],
  ['a photo without a label', 'file,label\nb,rose\nc,\n', 'BAD_TABLE', /labels\.csv: line 3 has no label/],
  ['two columns for the class', 'file,label,label\nb,rose,daisy\n', 'BAD_TABLE', /two columns are called "label"/],
  ['no row', 'file,label\n', 'BAD_TABLE', /without rows/],
  ['classes of one name', 'file,label\nb,Rose\nc,rose\n', 'DUPLICATE_CLASS', /one name/],
] as const) {
  test(`${name} is refused`, async () => {
    await assert.rejects(list(csv), { code, message });
  });
}

test('a name that fits two photos is refused, unless one has that very path', async () => {
  assert.deepEqual((await list('file,label\na.jpg,rose\n')).byFile, { 'a.jpg': 'rose' });
  await rm(join(photos, 'a.jpg'));
  await mkdir(join(photos, 'other'));
  await writeFile(join(photos, 'other', 'a.jpg'), '');
  await assert.rejects(list('file,label\na.jpg,rose\n'), {
    code: 'AMBIGUOUS_IMAGE',
    message: /line 2 names 2 pictures/,
  });
});
