import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compilerOptions } from './compiler-options.ts';

const DETERMINISTIC = 'xla_gpu_exclude_nondeterministic_ops';

test('a GPU takes the same order each time, unless the user says otherwise', () => {
  assert.deepEqual(compilerOptions('cuda', ''), { overrides: { [DETERMINISTIC]: true } });
  assert.deepEqual(compilerOptions('cuda', '--xla_gpu_autotune_level=0'), { overrides: { [DETERMINISTIC]: true } });
  assert.deepEqual(compilerOptions('cuda', `--xla_gpu_autotune_level=0  --${DETERMINISTIC}=false`), {});
  assert.deepEqual(compilerOptions('rocm', `--${DETERMINISTIC}`), {});
});

test('what the user says of one option leaves the others', () => {
  const { overrides, extraOptions } = compilerOptions('cpu', '--xla_cpu_enable_concurrency_optimized_scheduler=false');
  assert.deepEqual(Object.keys(overrides ?? {}), [
    'xla_cpu_enable_fast_min_max',
    'xla_cpu_experimental_ynn_fusion_type',
    'xla_cpu_prefer_vector_width',
  ]);
  assert.deepEqual(extraOptions, compilerOptions('cpu', '').extraOptions);
  assert.deepEqual(compilerOptions('tpu', ''), {});
});
