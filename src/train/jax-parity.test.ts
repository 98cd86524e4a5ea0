import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { z } from 'zod';
import type { Backend } from '../runtime/index.ts';
import type { HostTensor } from '../xla/index.ts';
import { testBackend, skipWithoutTestDevice as skip } from '../../test/backend.ts';
import { formulaImage, formulaVariable } from '../../test/formula-values.ts';
import { runSteps, type HostBatch } from '../../test/run-steps.ts';
import { parseRecipe } from './recipe/recipe.ts';

const norms = z.record(z.string(), z.number());
/** What `test/parity/jax_cnn.py` writes; its header has the formulas. */
const fixtureSchema = z.object({
  size: z.int(),
  batch: z.int(),
  classes: z.int(),
  cases: z.record(
    z.string(),
    z.object({
      model: z.record(z.string(), z.unknown()),
      smoothing: z.number(),
      optimizer: z.looseObject({ name: z.string(), beta1: z.number().optional() }),
      rate: z.number(),
      clipNorm: z.number().optional(),
      losses: z.array(z.number()),
      gradientNorms: norms,
      finalNorms: norms,
    }),
  ),
});

const FIXTURE = join(import.meta.dirname, '..', '..', 'test', 'parity', 'jax-cnn.json');
const { size, batch: batchSize, classes, cases } = fixtureSchema.parse(JSON.parse(readFileSync(FIXTURE, 'utf8')));

const LOSS_TOLERANCE = 1e-4;
const NORM_TOLERANCE = 1e-3;

const groups = Array.from({ length: 4 }, (_, group): HostBatch => {
  const numbers = Array.from({ length: batchSize }, (_unused, row) => batchSize * group + row);
  const images = Buffer.concat(numbers.map((n) => formulaImage(n, size * size * 3)));
  const labels = Int32Array.from(numbers, (n) => (7 * n + Math.floor(n / 5)) % classes);
  return { images, labels, mask: new Uint8Array(batchSize).fill(1) };
});

const norm = (values: Iterable<number>): number => Math.sqrt([...values].reduce((sum, x) => sum + x * x, 0));

function assertNear(found: number, expected: number, tolerance: number, what: string): void {
  const apart = Math.abs(found - expected) / Math.abs(expected);
  assert.ok(apart <= tolerance, `${what}: ${found}, JAX has ${expected} (${apart.toExponential(1)} apart)`);
}

suite('20 steps of training agree with JAX', { skip }, () => {
  let backend: Backend | undefined;
  after(() => backend?.close());

  for (const [name, reference] of Object.entries(cases)) {
    test(name, async () => {
      backend ??= await testBackend();
      const recipe = parseRecipe(
        {
          model: { name: 'cnn', options: { ...reference.model, dropout: 0 } },
          size,
          epochs: 1,
          batchSize,
          optimizer: reference.optimizer,
          schedule: { name: 'constant', rate: reference.rate },
          labelSmoothing: reference.smoothing,
          clipNorm: reference.clipNorm,
        },
        name,
      );
      const gradientNorms: Record<string, number> = {};
      const { losses, state } = await runSteps(backend, {
        recipe,
        classes,
        learningRate: reference.rate,
        batches: reference.losses.map((_, step) => groups[step % groups.length]),
        value: (model) => {
          const order = model.variables.map(({ path }) => path);
          return ({ path, shape }) => formulaVariable(order.indexOf(path), path, shape);
        },
        async onStep(step, { slots }) {
          // A first slot that started at 0 is the first gradient, scaled.
          if (step !== 1) return;
          const scale = 1 - (reference.optimizer.beta1 ?? 0);
          for (const [path, slot] of Object.entries(Object.values(slots)[0])) {
            gradientNorms[path] = norm((await slot.toHost()) as Float32Array) / scale;
          }
        },
      });

      if (reference.clipNorm === undefined && !('weightDecay' in reference.optimizer)) {
        assert.deepEqual(Object.keys(gradientNorms).toSorted(), Object.keys(reference.gradientNorms).toSorted());
        const largest = Math.max(...Object.values(reference.gradientNorms));
        for (const [path, expected] of Object.entries(reference.gradientNorms)) {
          // Of a gradient that is 0 but for rounding only the size is known.
          assert.ok(
            Math.abs(gradientNorms[path] - expected) <= NORM_TOLERANCE * Math.max(expected, 1e-3 * largest),
            path,
          );
        }
      }
      for (const [step, expected] of reference.losses.entries()) {
        assertNear(losses[step], expected, LOSS_TOLERANCE, `loss of step ${step + 1}`);
      }
      const final: Record<string, HostTensor> = { ...state.params, ...state.statistics };
      assert.deepEqual(Object.keys(final).toSorted(), Object.keys(reference.finalNorms).toSorted());
      for (const [path, expected] of Object.entries(reference.finalNorms)) {
        assertNear(norm(final[path].data as Float32Array), expected, NORM_TOLERANCE, path);
      }
    });
  }
});
