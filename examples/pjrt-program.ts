// The binding by itself: StableHLO text, compiled and run by a PJRT plugin: node examples/pjrt-program.ts
// In a clone, build the package once before: npm run build
import { findPlugin } from 'sepal/assets';
import { loadPlugin } from 'sepal/pjrt';

const PROGRAM = `
func.func public @main(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %product = stablehlo.multiply %x, %y : tensor<4xf32>
  %sum = stablehlo.add %product, %y : tensor<4xf32>
  return %sum : tensor<4xf32>
}`;

const { path } = await findPlugin('cpu');
const client = await (await loadPlugin(path)).createClient();
const device = client.addressableDevices[0]!;
const program = await client.compile(PROGRAM, { replicas: 1 });

const x = await client.bufferFromHost(Float32Array.of(1, 2, 3, 4), 'f32', [4], device);
const y = await client.bufferFromHost(Float32Array.of(10, 10, 10, 10), 'f32', [4], device);
// The only output of the only replica.
const sum = (await program.execute([[x, y]]))[0]![0]!;
const bytes = await sum.toHost();
console.log([...new Float32Array(bytes.buffer)].join(' '), 'on', device.kind);

// What a program or a transfer gave belongs to the caller.
for (const each of [x, y, sum, program]) each.destroy();
await client.destroy();
