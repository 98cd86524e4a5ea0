// A network and a training loop of one's own: node examples/custom-network.ts
// In a clone, build the package once before: npm run build
import {
  applyNetwork,
  batchNorm,
  conv2d,
  declareVariables,
  dense,
  heNormal,
  initialValues,
  isTrainable,
  sparseCategoricalCrossEntropy,
  type Network,
} from 'sepal/nn';
import { jit, openBackend, type DeviceArray } from 'sepal/runtime';
import { div, convert, gradient, mean, mul, relu, sub, type Tensor, type TensorType } from 'sepal/xla';

const SIZE = 16;
const BATCH = 32;
const RATE = 0.1;
const images: TensorType = { shape: [BATCH, SIZE, SIZE, 3], dtype: 'uint8' };
const labels: TensorType = { shape: [BATCH], dtype: 'int32' };

/** Layers are functions; `scope.in` names them, and their variables after them. */
const network: Network = (scope, pixels) => {
  const x = div(convert(pixels, 'float32'), 255);
  const y = scope.in('stem', (inner) =>
    relu(batchNorm(inner, conv2d(inner, x, { filters: 8, kernel: 3, strides: 2, bias: false, initializer: heNormal }))),
  );
  return scope.in('classifier', (inner) => dense(inner, mean(y, { axes: [1, 2] }), { units: 3 }));
};

const variables = declareVariables(network, images);
const trainable = new Set(variables.filter(isTrainable).map(({ path }) => path));
const backend = await openBackend({ device: 'cpu', replicas: 1 });

type Values<T> = Readonly<Record<string, T>>;
const types: Values<TensorType> = Object.fromEntries(
  variables.map(({ path, shape, dtype }) => [path, { shape, dtype }]),
);
const step = await jit(
  backend,
  (values: Values<Tensor>, batch: Tensor, truth: Tensor) => {
    const { output, updates } = applyNetwork(network, values, batch, { training: true });
    const loss = mean(sparseCategoricalCrossEntropy(output, truth));
    const weights = Object.entries(values).filter(([path]) => trainable.has(path));
    const slopes = gradient(loss, weights.map(([, value]) => value)); // prettier-ignore
    const moved = Object.fromEntries(weights.map(([path, value], i) => [path, sub(value, mul(slopes[i]!, RATE))]));
    return { values: { ...values, ...updates, ...moved }, loss };
  },
  [types, images, labels],
  { donate: [0] },
);

let values: Values<DeviceArray> = Object.fromEntries(
  await Promise.all(
    variables.map(async ({ path, shape, dtype, initializer }) => {
      const first = initialValues(initializer, shape, 0, path);
      return [path, await backend.replicate(first, { shape, dtype })] as const;
    }),
  ),
);
for (let n = 1; n <= 60; n++) {
  // Pictures of noise, brighter in the channel of their class.
  const truth = Int32Array.from({ length: BATCH }, () => Math.floor(3 * Math.random()));
  const pixels = Uint8Array.from({ length: BATCH * SIZE * SIZE * 3 }, (_, i) => {
    const isBright = i % 3 === truth[Math.floor(i / (SIZE * SIZE * 3))];
    return Math.floor(Math.random() * (isBright ? 255 : 128));
  });
  const batch = await backend.shard(pixels, images);
  const classes = await backend.shard(truth, labels);
  const result = await step(values, batch, classes);
  ({ values } = result);
  const [loss] = await result.loss.toHost();
  if (n % 20 === 0) console.log(`step ${n}: loss ${Number(loss).toFixed(3)}`);
  for (const array of [batch, classes, result.loss]) array.dispose();
}
await backend.close();
