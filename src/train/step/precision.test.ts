import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { cpuBackend, skipWithoutCpuPlugin } from '../../../test/backend.ts';
import { testOnLibtpu } from '../../../test/plugins.ts';
import { curveDistance, curveModel, curveRecipe, lossCurve, photoBatches } from '../../../test/precision-curve.ts';
import { sharedData, skipWithoutSharedData } from '../../../test/shared-data.ts';
import { openCompileTarget, programText } from '../../runtime/index.ts';
import { computeTypeOf } from './precision.ts';
import { trainingProgram } from '../programs.ts';

test('auto is bfloat16 where that is faster; a policy that is named holds everywhere', () => {
  const [fast, other] = [{ hasBfloat16Units: true }, { hasBfloat16Units: false }];
  assert.equal(computeTypeOf('auto', fast), 'bfloat16');
  assert.equal(computeTypeOf('auto', other), 'float32');
  assert.equal(computeTypeOf('float32', fast), 'float32');
  assert.equal(computeTypeOf('mixed_bfloat16', other), 'bfloat16');
});

test('parameters, optimiser, statistics and loss stay float32 in a step that computes in bfloat16', () => {
  const recipe = curveRecipe('mixed_bfloat16');
  const { graph } = trainingProgram(curveModel(recipe, { hasBfloat16Units: false }), recipe, 8);
  const text = programText(graph, { replicas: 8, platform: 'tpu' });
  assert.match(text, /stablehlo\.convolution.*tensor<8x\d+x\d+x\d+xbf16>/);
  assert.doesNotMatch(text, /stablehlo\.convolution.*xf32>/);
  assert.deepEqual(new Set(graph.outputs.map(({ dtype }) => dtype)), new Set(['float32', 'uint32']));
  assert.ok([...text.matchAll(/"stablehlo\.all_reduce"/g)].length > 0);
  assert.doesNotMatch(text, /stablehlo\.reduce\([^\n]*applies stablehlo\.add[^\n]*bf16/);
  assert.doesNotMatch(text, /stablehlo\.log [^\n]*bf16/);
});

const PHOTOS = sharedData('data', 'tf_flowers');
const STEPS = 16;

suite('the program of a TPU v3-8 on 8 CPU devices', { skip: skipWithoutCpuPlugin || skipWithoutSharedData }, () => {
  test('loses nothing in bfloat16 on real photos', async () => {
    const backend = await cpuBackend({ replicas: 8 });
    try {
      const batches = await photoBatches(PHOTOS, curveRecipe('float32'), STEPS);
      const wide = await lossCurve(backend, curveRecipe('float32'), PHOTOS, batches);
      const narrow = await lossCurve(backend, curveRecipe('mixed_bfloat16'), PHOTOS, batches);
      assert.ok(wide.losses[STEPS - 1] < 0.9 * wide.losses[0], 'it learns');
      assert.notDeepEqual(narrow.losses, wide.losses);
      const distance = curveDistance(wide.losses, narrow.losses, 8);
      assert.ok(distance < 0.02, `the curves part by ${(100 * distance).toFixed(2)} %`);
      assert.ok(narrow.accuracy > wide.accuracy - 0.02, `${narrow.accuracy} beside ${wide.accuracy}`);
    } finally {
      await backend.close();
    }
  });
});

testOnLibtpu('that text is what libtpu compiles for a v3-8', async (_path, context) => {
  const recipe = curveRecipe('mixed_bfloat16');
  const target = await openCompileTarget('v3-8');
  context.after(() => target.close());
  assert.equal(target.replicas, 8);
  const { name, graph, donate } = trainingProgram(
    curveModel(recipe, { hasBfloat16Units: true }),
    recipe,
    target.replicas,
  );
  const text = target.text(graph, { name, donate });
  assert.equal(text, programText(graph, { name, donate, replicas: 8, platform: 'tpu' }));
  const { costs } = await target.compile(text);
  assert.ok(costs.flops > 0 && costs.seconds > 0);
  assert.ok(costs.peakBytes > costs.argumentBytes && costs.peakBytes < target.memoryBytes);
});
