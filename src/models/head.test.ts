import { test } from 'node:test';
import { assertClose, evaluate, host } from '../../test/evaluate.ts';
import { cpuBackend, skipWithoutCpuPlugin as skip } from '../../test/backend.ts';
import { applyNetwork } from '../nn/index.ts';
import { gradient, sum } from '../xla/index.ts';
import { pooling } from './head.ts';

test(
  'GeM pooling is the mean of powers, with a finite gradient where a channel is 0 everywhere',
  { skip },
  async () => {
    const backend = await cpuBackend();
    try {
      const values = [0, 1, 0, 2, 0, 1, 0, 3];
      const [alive, positions] = [[1, 2, 1, 3], values.length / 2];
      for (const p of [1, 3, 6, 6.5, 20]) {
        const [pooled, slopes, slopeOfP] = await evaluate(
          backend,
          (x, power) => {
            const { output } = applyNetwork(pooling('gem'), { 'gem/p': power }, x, { training: true });
            return [output, ...gradient(sum(output), [x, power])];
          },
          [host('float32', [1, 2, 2, 2], values), host('float32', [], [p])],
        );
        const mean = (of: (value: number) => number) => alive.reduce((total, x) => total + of(x), 0) / positions;
        const power = mean((x) => x ** p);
        const y = power ** (1 / p);
        assertClose(pooled, [1e-6, y], `values for p = ${p}`, 1e-6);
        const expected = alive.flatMap((x) => [0, (y / power) * (x ** (p - 1) / positions)]);
        assertClose(slopes, expected, `gradient for p = ${p}`, 1e-5);
        const logs = mean((x) => x ** p * Math.log(x)) / power;
        assertClose(slopeOfP, [y * (logs / p - Math.log(power) / p ** 2)], `gradient of p = ${p}`, 1e-5);
      }
    } finally {
      await backend.close();
    }
  },
);
