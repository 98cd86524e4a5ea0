import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { Random } from '../src/base/index.ts';
import { cpuBackend, skipWithoutCpuPlugin as skip } from './backend.ts';
import { growthOf, trend } from './soak/growth.ts';
import { FIGURES, type Figure, type Sample } from './soak/sample.ts';
import { soak } from './soak/soak.ts';

/** Samples of runs of 50 epochs, a second each; `value` says what a figure is at a second of a run. */
function samplesOf(value: (figure: Figure, second: number, round: number) => number): Sample[] {
  return Array.from({ length: 200 }, (_, seconds) => {
    const round = Math.floor(seconds / 50);
    const figures = Object.fromEntries((Object.keys(FIGURES) as Figure[]).map((figure) => [figure, value(figure, seconds, round)])); // prettier-ignore
    return { seconds, round, epoch: (seconds % 50) + 1, figures: figures as Sample['figures'] };
  });
}

const notFlat = (samples: readonly Sample[]) => growthOf(samples).flatMap(({ figure, isFlat }) => (isFlat ? [] : [figure])); // prettier-ignore

suite('the judgement of a soak', () => {
  test('noise and single high samples are flat', () => {
    const random = new Random(1);
    const noisy = samplesOf((figure, second) =>
      figure === 'memory' ? 500 + 10 * random.normal() + (second % 40 === 0 ? 300 : 0) : 40,
    );
    assert.deepEqual(notFlat(noisy), []);
  });

  test('what grows all the time is not', () => {
    const leaking = samplesOf((figure, second) => (figure === 'memory' ? 500 + 0.2 * second : 40));
    assert.deepEqual(notFlat(leaking), ['memory']);
    const handles = samplesOf((figure, second) => (figure === 'files' ? 24 + Math.floor(second / 40) : 40));
    assert.deepEqual(notFlat(handles), ['files']);
  });

  test('nor what grows within each run and is given back after it', () => {
    const sawtooth = samplesOf((figure, second) => (figure === 'memory' ? 500 + (second % 50) : 40));
    assert.deepEqual(notFlat(sawtooth), ['memory']);
  });

  test('a trend is the median of slopes', () => {
    const points = [0, 1, 2, 3, 4].map((x) => ({ x, y: x === 2 ? 1000 : 3 * x }));
    assert.equal(trend([points]), 3);
    assert.equal(trend([]), 0);
  });
});

// `npm run soak` goes on for an hour.
test('runs that follow each other in one process leave nothing on the devices', { skip }, async () => {
  const out = join(tmpdir(), `sepal-soak-${process.pid}`);
  const backend = await cpuBackend();
  try {
    const { left, rounds, epochs } = await soak({
      backend,
      minutes: 10,
      roundMinutes: 10,
      mostRounds: 2,
      mostEpochs: 3,
      out,
    });
    assert.deepEqual(left, []);
    assert.deepEqual([rounds, epochs], [2, 6]);
    assert.equal(backend.client.executables.size, 0);
    assert.match(await readFile(join(out, 'soak.html'), 'utf8'), /<figcaption>Live buffers on the devices, buffers/);
  } finally {
    await backend.close();
    await rm(out, { recursive: true, force: true });
  }
});
