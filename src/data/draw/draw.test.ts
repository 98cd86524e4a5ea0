import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random, UsageError } from '../../base/index.ts';
import { firstSpecies, SPECIES, speciesNamed } from './catalogue.ts';
import { drawContactSheet } from './contact-sheet.ts';
import { DRAWN_SIZES } from './dataset.ts';
import { encodeJpeg } from './image.ts';
import { DIFFICULTIES, drawFlower } from './scene.ts';

const draw = (label: number, size: number, seed = 0, difficulty = DIFFICULTIES[1]) =>
  drawFlower(SPECIES[label], size, new Random(seed, 'test', label), difficulty);

test('there are 104 species and no two are alike', () => {
  assert.equal(SPECIES.length, 104);
  const distinct = (key: (species: (typeof SPECIES)[number]) => unknown) =>
    new Set(SPECIES.map((species) => JSON.stringify(key(species)))).size;
  assert.equal(
    distinct(({ name }) => name.toLowerCase()),
    104,
  );
  assert.equal(
    distinct(({ rows, centre, colourways, inflorescence }) => [rows, centre, colourways, inflorescence]),
    104,
  );
  assert.deepEqual(
    SPECIES.slice(0, 5).map(({ name }) => name),
    ['daisy', 'dandelion', 'rose', 'sunflower', 'tulip'],
  );
});

test('every colour is #rrggbb', () => {
  const colours = JSON.stringify(SPECIES).match(/"#[^"]*"/g) ?? [];
  assert.ok(colours.length > 500);
  assert.deepEqual(
    colours.filter((colour) => !/^"#[0-9a-f]{6}"$/.test(colour)),
    [],
  );
});

for (const size of DRAWN_SIZES) {
  test(`every species draws at ${size} px, and the picture is one`, () => {
    for (const [label, { name }] of SPECIES.entries()) {
      const { rgb } = draw(label, size, 0, DIFFICULTIES[label % 3]);
      assert.equal(rgb.length, size * size * 3, name);
      let least = 255;
      let most = 0;
      for (let i = 0; i < rgb.length; i += 7) {
        least = Math.min(least, rgb[i]);
        most = Math.max(most, rgb[i]);
      }
      assert.ok(most - least > 40, `${name} is nearly one colour`);
    }
  });
}

test('the same seed gives the same pixels and file, another seed another picture', () => {
  for (const label of [0, 2, 4, 60]) {
    const picture = draw(label, 192);
    assert.deepEqual(picture, draw(label, 192));
    assert.deepEqual(encodeJpeg(picture), encodeJpeg(draw(label, 192)));
    assert.notDeepEqual(picture.rgb, draw(label, 192, 1).rgb);
  }
});

test('species differ in their pictures by colour: a rose is redder than a daisy is', () => {
  const redness = (label: number) => {
    let sum = 0;
    for (let seed = 0; seed < 24; seed++) {
      const { rgb } = draw(label, 64, seed, 'easy');
      for (let i = 0; i < rgb.length; i += 3) sum += Math.max(0, rgb[i] - rgb[i + 1]);
    }
    return sum;
  };
  assert.ok(redness(2) > 1.5 * redness(0));
});

test('a contact sheet is a PNG of the size that was asked for', () => {
  const png = Buffer.from(drawContactSheet({ classes: 5, tile: 32, each: 3 }));
  assert.equal(png.subarray(1, 4).toString(), 'PNG');
  assert.deepEqual([png.readUInt32BE(16), png.readUInt32BE(20)], [96, 160]);
});

test('too many classes and unknown species are refused with what there is', () => {
  assert.equal(firstSpecies(104).length, 104);
  for (const classes of [1, 105, 2.5, NaN]) {
    assert.throws(() => firstSpecies(classes), { name: 'UsageError', code: 'OUT_OF_RANGE', expected: '2 to 104' });
  }
  assert.throws(
    () => speciesNamed('tulp'),
    (error: unknown) => error instanceof UsageError && error.hint?.includes('"tulip"') === true,
  );
});
