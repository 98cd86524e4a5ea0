import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { skipWithoutCpuPlugin as skip } from './backend.ts';
import { chaos, signalled } from './chaos/chaos.ts';

// `npm run chaos` kills more often, and at other moments.
suite('a run that is killed', { skip }, () => {
  test('at random moments and resumed each time ends with what an unbroken one ends with', async () => {
    const { kills, differences } = await chaos({ kills: 3, seed: 5, epochs: 30 });
    assert.deepEqual(differences, []);
    assert.equal(Object.values(kills).reduce((a, b) => a + b, 0), 3); // prettier-ignore
  });

  test('and goes on with another number of replicas has the same epochs, and losses that are near', async () => {
    const { differences } = await chaos({ kills: 2, seed: 2, epochs: 12, replicas: [1, 2] });
    assert.deepEqual(differences, []);
  });

  for (const [signal, code] of [
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const) {
    // prettier-ignore
    test(`by ${signal} saves, ends with ${code}, and goes on`, async () => {
      const { status, output, resumed } = await signalled(signal);
      assert.equal(status, code, output);
      assert.match(output, /error: interrupted; everything up to step \d+ is saved\n {2}hint: go on with --resume\n$/);
      assert.equal(resumed.status, 0, resumed.output);
      assert.match(resumed.output, /resume {2}after step \d+/);
    });
  }
});
