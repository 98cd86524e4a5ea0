// `npm run parity:python -- [PATTERN…]`: weight files between Sepal and Keras, timm and torchvision, both ways. One line for
// each architecture and project: the relative error of logits for their random network read by us, and for ours written by
// us and loaded by them (strictly). Exit status 1 if any differs. Needs a Python with keras, tensorflow-cpu, torch,
// torchvision, timm and safetensors in `.venv` or in SEPAL_BENCH_PYTHON.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { matchFamilies } from '../src/models/index.ts';
import { openBackend } from '../src/runtime/index.ts';
import { formulaImage } from '../test/formula-values.ts';
import { PEER_CASES } from './parity/peer-cases.ts';
import { checkReading, checkWriting, type Pixels } from './parity/peer-check.ts';
import { PeerProcess } from './parity/peer-process.ts';
import { runScript, scriptCommand } from './script-command.ts';

/** Greatest `|ours − theirs| / max |theirs|`. */
const TOLERANCE = 1e-4;
const IMAGES = 2;

await runScript(
  scriptCommand(
    'npm run parity:python --',
    'Weight files between Sepal and Keras, timm and torchvision, both ways, by their own code.',
    'npm run parity:python -- "resnet*"',
  )
    .argument('[patterns...]', 'some architectures, with wildcards')
    .action(checkModels),
);

async function checkModels(patterns: readonly string[]): Promise<void> {
  const families = new Set(matchFamilies(patterns).map(({ name }) => name));
  const cases = PEER_CASES.filter(({ model }) => families.has(model));
  const folder = await mkdtemp(join(tmpdir(), 'sepal-peers-'));
  const backend = await openBackend({ device: 'cpu' });
  // TensorFlow and PyTorch get a process each: in one they crash.
  const peers = { keras: new PeerProcess(), torch: new PeerProcess() };
  let failures = 0;
  try {
    for (const one of cases) {
      const started = performance.now();
      const pixels = await writePixels(folder, one.size);
      const results = [];
      for (const check of [checkReading, checkWriting]) {
        results.push(
          await check(backend, one.peer === 'keras' ? peers.keras : peers.torch, one, folder, pixels).catch(
            (error: unknown) => (error as Error).message.slice(0, 300),
          ),
        );
      }
      const ok = results.every((result) => typeof result === 'number' && result <= TOLERANCE);
      if (!ok) failures++;
      const [read, written] = results.map((result) => (typeof result === 'number' ? result.toExponential(1) : result));
      const seconds = ((performance.now() - started) / 1000).toFixed(0).padStart(4);
      console.log(
        `${one.model.padEnd(18)} ${one.peer.padEnd(12)} read ${read}  written ${written}  ${seconds} s  ${ok ? 'ok' : 'FAIL'}`,
      );
    }
  } finally {
    for (const peer of Object.values(peers)) peer.close();
    await backend.close();
    await rm(folder, { recursive: true });
  }
  console.log(`${cases.length} pairs, ${failures} failed`);
  if (failures > 0) process.exitCode = 1;
}

async function writePixels(folder: string, size: number): Promise<Pixels> {
  const images = Array.from({ length: IMAGES }, (_, n) => formulaImage(n, size * size * 3));
  const data = Uint8Array.from(Buffer.concat(images));
  const file = join(folder, 'pixels.bin');
  await writeFile(file, data);
  return { file, data };
}
