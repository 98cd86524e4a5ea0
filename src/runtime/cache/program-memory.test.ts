import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cpuBackend, skipWithoutCpuPlugin as skip } from '../../../test/backend.ts';
import { conv2d, gradient, relu, square, sum, trace } from '../../xla/index.ts';
import { compileOptions } from '../program.ts';
import { programText } from '../program-text.ts';
import { programMemory } from './program-memory.ts';

test('what a run needs is read from a serialised program', { skip }, async (t) => {
  const backend = await cpuBackend({ compileCache: false });
  t.after(() => backend.close());
  const types = [[4, 24, 24, 8], [3, 3, 8, 16]].map((shape) => ({ shape, dtype: 'float32' as const })); // prettier-ignore
  const graph = trace(types, (x, kernel) => gradient(sum(square(relu(conv2d(x, kernel)))), [x, kernel]));
  const executable = await backend.compile(
    programText(graph, { replicas: 1, platform: 'cpu' }),
    compileOptions(backend),
  );
  t.after(() => executable.destroy());
  const serialized = await executable.serialize();
  const { bytes, given } = programMemory(serialized)!;
  const stats = executable.memoryStats();
  assert.equal(given, stats.argument);
  assert.ok(bytes > 0 && Math.abs(bytes - stats.temp) < 4096, `${bytes} bytes, by the plugin ${stats.temp}`);
  const loaded = await backend.load(serialized, compileOptions(backend));
  t.after(() => loaded.destroy());
  assert.equal(loaded.tempBytes, bytes);
});

test('of what is no program nothing is known', () => {
  for (const bytes of [new Uint8Array(), Buffer.from('no program'), Uint8Array.of(10, 200, 1)]) {
    assert.equal(programMemory(bytes), undefined);
  }
});
