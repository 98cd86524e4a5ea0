// A small JAX for Node: a traced function, its gradient, compiled by XLA: node examples/gradient-descent.ts
// In a clone, build the package once before: npm run build
import { jit, openBackend } from 'sepal/runtime';
import { gradient, matmul, mean, mul, square, sub, type Tensor } from 'sepal/xla';

const backend = await openBackend({ device: 'cpu' });
const step = await jit(
  backend,
  (weights: Tensor, inputs: Tensor, targets: Tensor) => {
    const loss = mean(square(sub(matmul(inputs, weights), targets)));
    const [slope] = gradient(loss, [weights]);
    return { weights: sub(weights, mul(slope, 0.5)), loss };
  },
  [
    { shape: [2, 1], dtype: 'float32' },
    { shape: [4, 2], dtype: 'float32' },
    { shape: [4, 1], dtype: 'float32' },
  ],
  { donate: [0] },
);

// targets = 3·x − 2·y
const inputs = await backend.replicate(Float32Array.of(1, 0, 0, 1, 1, 1, 1, -1), { shape: [4, 2], dtype: 'float32' });
const targets = await backend.replicate(Float32Array.of(3, -2, 1, 5), { shape: [4, 1], dtype: 'float32' });
let weights = await backend.replicate(Float32Array.of(0, 0), { shape: [2, 1], dtype: 'float32' });
for (let i = 0; i < 30; i++) ({ weights } = await step(weights, inputs, targets));
const found = (await weights.toHost()) as Float32Array;
console.log(Array.from(found, (value) => value.toFixed(3)).join(' '));
await backend.close();
