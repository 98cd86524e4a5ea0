import assert from 'node:assert/strict';
import { testOnLibtpu } from '../../test/plugins.ts';
import { allReduce } from '../../test/stablehlo.ts';
import { loadPlugin } from './index.ts';

testOnLibtpu('a program compiles for a TPU v3-8 that is not there', async (path, context) => {
  const plugin = await loadPlugin(path);
  const topology = await plugin.createTopology('v3:2x2');
  context.after(() => topology.destroy());
  assert.equal(topology.platformName, 'tpu');
  assert.equal(topology.devices.length, 8);
  assert.equal(topology.devices[0].kind, 'TPU v3');
  const program = await topology.compile(allReduce(8), { replicas: 8 });
  context.after(() => program.destroy());
  assert.equal(program.replicas, 8);
  assert.deepEqual(program.outputTypes, ['f32', 'u32']);
  assert.deepEqual(program.outputShapes, [[2, 3], []]);
  const costs = program.costAnalysis();
  assert.ok(costs['flops'] > 0);
  assert.ok(costs['bytes accessed'] > 0);
  assert.ok((program.memoryStats().peak ?? 0) > 0);
  assert.ok((await program.serialize()).length > 0);
});

testOnLibtpu('a topology that does not exist is told by its name', async (path) => {
  const plugin = await loadPlugin(path);
  await assert.rejects(plugin.createTopology('v99:9x9'), { code: 'INVALID_ARGUMENT', message: /v99/ });
});
