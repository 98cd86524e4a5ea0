import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { calibrate, readCalibration, writeCalibration } from './calibration-file.ts';
import { BEST_FILE, CALIBRATION_FILE, LAST_FILE } from './run-files.ts';

const folder = await mkdtemp(join(tmpdir(), 'sepal-calibration-'));
after(() => rm(folder, { recursive: true }));
const best = join(folder, BEST_FILE);
const info = { step: 30, classNames: ['daisy', 'rose'] };

/** Says 99 % and is right in 3 of 4 pictures; a picture that could not be decoded has no probabilities. */
const labels = [...Array.from({ length: 40 }, (_, n) => (n % 4 === 0 ? 1 : 0)), 1];
const probabilities = Float32Array.from([...Array.from({ length: 40 }, () => [0.99, 0.01]).flat(), 0, 0]);

suite("a run's temperature", () => {
  test('makes it as sure as it is right, and leaves out what it could not see', () => {
    const found = calibrate(info, 'validation', { probabilities, labels });
    assert.ok(found);
    const { temperature, images, errorBefore, errorAfter } = found;
    // At this temperature 99 % become 75 %: (99 ^ (1 / T)) = 3.
    assert.ok(Math.abs(temperature - Math.log(99) / Math.log(3)) < 0.01, String(temperature));
    assert.equal(images, 40);
    assert.ok(errorAfter < 0.01 && errorBefore > 0.2);
    assert.equal(calibrate(info, 'validation', { probabilities: new Float32Array(2), labels: [0] }), undefined);
  });

  test('is of the weights that it was fitted to, and of no others', async () => {
    assert.equal(await readCalibration(best, info), undefined);
    const found = calibrate(info, 'validation', { probabilities, labels })!;
    await writeCalibration(best, found);
    assert.deepEqual(await readCalibration(best, info), { format: 1, ...found });
    assert.equal(await readCalibration(best, { step: 31 }), undefined);
    const last = join(folder, LAST_FILE);
    assert.equal(await readCalibration(last, info), undefined);
    await assert.rejects(writeCalibration(last, found), { code: 'CALIBRATION', hint: 'give the run folder' });
    await writeFile(join(folder, CALIBRATION_FILE), '{"format": 1, "temperature": 0}');
    await assert.rejects(readCalibration(best, info), { code: 'CALIBRATION', hint: /--calibrate/ });
  });
});
