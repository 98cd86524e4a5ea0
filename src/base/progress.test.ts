import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { startProgress } from './progress.ts';

test('work that takes more than was thought has no time left, not less than none', () => {
  const stream = new PassThrough() as unknown as NodeJS.WriteStream;
  const progress = startProgress({ label: 'soak', total: 10, unit: 's/s', plainInterval: 0, stream });
  progress.update(4, '320 MB');
  progress.update(12);
  progress.stop();
  const [half, over] = String(stream.read()).split('\n');
  assert.match(half, /^soak: 40% · .* s\/s · [\d.]+ m?s left · 320 MB$/);
  assert.match(over, /^soak: 100% · .* s\/s · 0\S* m?s left$/);
});
