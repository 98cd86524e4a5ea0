import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { testOnLibtpu } from '../../test/plugins.ts';
import { parseRecipe } from '../train/index.ts';
import { planJson, planRecipe, planTable } from './index.ts';
import { roofline } from './roofline.ts';

const recipe = parseRecipe(
  {
    model: { name: 'cnn', options: { depth: 2, width: 16, dropout: 0 } },
    size: 16,
    epochs: 3,
    batchSize: 64,
    optimizer: { name: 'sgd' },
    schedule: { name: 'constant', rate: 0.1 },
  },
  'plan',
);

const FIELDS = ['target', 'replicas', 'fits', 'peakBytes', 'argumentBytes', 'tempBytes', 'flops', 'bytesAccessed', 'stepSeconds', 'epochSeconds', 'totalSeconds']; // prettier-ignore

testOnLibtpu('a recipe is planned for a TPU that is not there, and the plan explains itself', async () => {
  const request = { recipe, classes: 5, examples: 640, validationExamples: 64, target: 'v3-8', decodeRate: 1000 };
  const plan = await planRecipe({ ...request, programs: ['evaluate'] });
  const json = planJson(plan);
  for (const field of FIELDS) assert.notEqual(json[field] ?? undefined, undefined, field);
  assert.equal(plan.replicas, 8);
  assert.equal(plan.computeType, 'bfloat16');
  assert.ok(plan.fits && plan.costs !== undefined);
  const { train, evaluate, epochSeconds, totalSeconds } = plan.costs;
  assert.ok(evaluate !== undefined && evaluate.flops < train.flops);
  assert.ok(Math.abs(epochSeconds - (10 * train.seconds + evaluate.seconds)) < 1e-12);
  assert.ok(Math.abs(totalSeconds - 3 * epochSeconds) < 1e-12);
  // The schedule that is read from the compiled program adds up to what the compiler says itself.
  assert.ok(Math.abs(train.profile.bytes / train.tempBytes - 1) < 0.35, `${train.profile.bytes}, ${train.tempBytes}`);
  assert.ok(train.profile.layers.some(({ layer, cycles }) => layer.startsWith('block1') && cycles > 0));
  assert.match(planTable([plan]), /REPLICAS +8\n(.*\n)+.*by memory at the fullest moment/);
});

testOnLibtpu('a phase with a frozen backbone computes its features once; all phases add up', async () => {
  const phased = parseRecipe(
    { ...recipe, epochs: undefined, phases: [{ epochs: 5, freeze: 'backbone', size: 8 }, { epochs: 2 }] },
    'phased',
  );
  const request = { recipe: phased, classes: 5, examples: 640, validationExamples: 64, target: 'v3-8', decodeRate: 1 };
  const plan = await planRecipe({ ...request, programs: ['evaluate'] });
  const [frozen, whole] = plan.phases;
  assert.ok(frozen.cachesFeatures && !whole.cachesFeatures && frozen.costs && whole.costs && plan.costs);
  const { train, features, evaluate, featureSeconds, epochSeconds, totalSeconds } = frozen.costs;
  assert.ok(features !== undefined && evaluate !== undefined && train.flops < features.flops);
  assert.ok(Math.abs(featureSeconds - 11 * features.seconds) < 1e-12);
  assert.ok(Math.abs(epochSeconds - (10 * train.seconds + evaluate.seconds)) < 1e-12);
  assert.ok(Math.abs(totalSeconds - (featureSeconds + 5 * epochSeconds)) < 1e-12);
  assert.ok(Math.abs(plan.costs.totalSeconds - (totalSeconds + whole.costs.totalSeconds)) < 1e-12);
  assert.deepEqual([frozen.size, whole.size, plan.phases.length], [8, 16, 2]);
  assert.equal((planJson(plan)['phases'] as unknown[]).length, 2);
  assert.match(planTable([plan]), /v3-8: phase +epochs.*\n1 +5 +8 +64 +backbone, features kept/);
});

testOnLibtpu('a batch that does not fit says so, with about the one that would', async () => {
  const large = parseRecipe({ ...recipe, model: { name: 'vgg16' }, size: 512, batchSize: 1024 }, 'large');
  const plan = await planRecipe({ recipe: large, classes: 5, examples: 1024, validationExamples: 0, target: 'v3-8', decodeRate: 1 }); // prettier-ignore
  assert.equal(plan.fits, false);
  assert.equal(plan.costs, undefined);
  assert.ok(plan.peakBytes > plan.memoryBytes);
  const { batchSize, compiled } = plan.largestBatch;
  assert.ok(batchSize > 256 && batchSize < 1024 && batchSize % 8 === 0 && !compiled, String(batchSize));
  assert.equal(planJson(plan).stepSeconds, null);
  assert.match(planTable([plan]), /fits +NO/);
});

testOnLibtpu('the largest batch is one that the recipe can take: its parts and pairs divide', async () => {
  const paired = parseRecipe({ ...recipe, batchSize: 48, accumulate: 3, augment: { mixup: 0.2 } }, 'paired');
  const request = { recipe: paired, classes: 5, examples: 480, validationExamples: 0, target: 'v3-8', decodeRate: 1 };
  const { batchSize } = (await planRecipe(request)).largestBatch;
  assert.ok(batchSize > 48 && batchSize % (8 * 3 * 2) === 0, String(batchSize));
});

test('the roofline says what bounds a program', () => {
  const chip = { flopsPerSecond: 100, bytesPerSecond: 10 };
  const dense = roofline({ flops: 100, bytesAccessed: 2, seconds: 2 }, chip);
  assert.deepEqual(dense, { bound: 'compute', computeShare: 0.5, memoryShare: 0.1, intensity: 50 });
  assert.equal(roofline({ flops: 10, bytesAccessed: 2, seconds: 1 }, chip).bound, 'memory');
});

test('an unknown target is refused before anything is compiled', async () => {
  const main = join(import.meta.dirname, '..', 'cli', 'main.ts');
  await assert.rejects(promisify(execFile)(process.execPath, [main, 'plan', '--target', 'v3-9']), (error: unknown) => {
    assert.ok(error instanceof Error && 'stderr' in error);
    assert.match(String(error.stderr), /error: there is no target "v3-9"; expected v3-8, v3-32, .*\n {2}hint: /);
    return true;
  });
});
