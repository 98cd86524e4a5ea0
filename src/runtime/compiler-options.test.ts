import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withBackendOptions } from './compiler-options.ts';

test('our options for LLVM stand beside the user’s flags, and give way to theirs of the same name', () => {
  const ours = '--xla_backend_extra_options=xla_cpu_disable_loop_unrolling';
  assert.equal(withBackendOptions(), ours);
  assert.equal(withBackendOptions('--xla_dump_to=/tmp/dump'), `--xla_dump_to=/tmp/dump ${ours}`);
  assert.equal(withBackendOptions(withBackendOptions()), ours);
  const theirs = '--xla_backend_extra_options=xla_cpu_disable_slp_vectorizer';
  assert.equal(withBackendOptions(theirs), theirs);
});
