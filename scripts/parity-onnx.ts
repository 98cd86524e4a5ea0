// `npm run parity:onnx -- [PATTERN…]`: every architecture exported to ONNX and run in ONNX Runtime, one line each: the relative
// error of the logits in float32 and in float16 beside our own, with the batch free. Exit status 1 if any differs.
import { buildModel, matchFamilies } from '../src/models/index.ts';
import { openBackend } from '../src/runtime/index.ts';
import { formulaImage } from '../test/formula-values.ts';
import { dampedValues } from '../test/logits.ts';
import { checkOnnx, ONNX_TOLERANCES } from '../test/onnx-runtime.ts';
import { runScript, scriptCommand } from './script-command.ts';

const CLASSES = 7;
const IMAGES = 2;
/** Some need more pixels than the others. */
const sizeOf = (model: string): number => (model === 'xception' ? 96 : 64);

await runScript(
  scriptCommand(
    'npm run parity:onnx --',
    'Every architecture exported to ONNX and run in ONNX Runtime, beside Sepal.',
    'npm run parity:onnx -- "resnet*"',
  )
    .argument('[patterns...]', 'some architectures, with wildcards')
    .action(checkModels),
);

async function checkModels(patterns: readonly string[]): Promise<void> {
  let failures = 0;
  const families = matchFamilies(patterns);
  const backend = await openBackend({ device: 'cpu' });
  for (const { name } of families) {
    const started = performance.now();
    const size = sizeOf(name);
    const model = buildModel({ name, classes: CLASSES, size: { height: size, width: size } });
    const pixels = Uint8Array.from(
      Buffer.concat(Array.from({ length: IMAGES }, (_, n) => formulaImage(n, size * size * 3))),
    );
    const classNames = Array.from({ length: CLASSES }, (_, i) => `class ${i}`);
    const exported = { model, values: dampedValues(model), preprocess: model.preprocess, classNames };
    const [single, half] = await checkOnnx(backend, exported, pixels, ['float32', 'float16']);
    const ok = single <= ONNX_TOLERANCES.float32 && half <= ONNX_TOLERANCES.float16;
    if (!ok) failures++;
    const seconds = ((performance.now() - started) / 1000).toFixed(0).padStart(4);
    console.log(
      `${name.padEnd(18)} float32 ${single.toExponential(1)}  float16 ${half.toExponential(1)}  ${seconds} s  ${ok ? 'ok' : 'FAIL'}`,
    );
  }
  await backend.close();
  console.log(`${families.length} models, ${failures} failed`);
  if (failures > 0) process.exitCode = 1;
}
