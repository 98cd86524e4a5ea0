import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { LABELS_MAT, SPLITS_MAT } from './mat-fixture.ts';
import { readMatFile } from './mat-file.ts';

suite('MATLAB files that SciPy wrote', () => {
  test('compressed, with text beside the numbers', () => {
    const arrays = readMatFile(LABELS_MAT, 'labels.mat');
    assert.deepEqual([...arrays], [['labels', { shape: [1, 8], values: [1, 2, 3, 1, 2, 3, 102, 77] }]]);
  });

  test('of numbers of several types', () => {
    assert.deepEqual(
      [...readMatFile(SPLITS_MAT, 'setid.mat')].map(([name, { values }]) => [name, values]),
      [
        ['trnid', [3, 1, 5]],
        ['valid', [2, 7]],
        ['tstid', [4, 6, 8]],
        ['huge', [1.5]],
      ],
    );
  });

  test('cut off anywhere are refused or give whole arrays', () => {
    for (const file of [LABELS_MAT, SPLITS_MAT]) {
      const whole = readMatFile(file, 'a.mat');
      for (let length = 0; length < file.length; length++) {
        try {
          for (const [name, array] of readMatFile(file.subarray(0, length), 'a.mat')) assert.deepEqual(array, whole.get(name)); // prettier-ignore
        } catch (error) {
          assert.equal((error as { code?: string }).code, 'BAD_MAT', String(error));
        }
      }
    }
  });

  test('that are something else are refused with the file', () => {
    assert.throws(() => readMatFile(Buffer.alloc(300, 7), 'a.mat'), { code: 'BAD_MAT', message: /^a\.mat: / });
  });
});
