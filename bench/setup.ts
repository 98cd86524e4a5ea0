import { execa } from 'execa';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { scriptCommand } from '../scripts/script-command.ts';
import { VENV } from './python.ts';

/** What the peers import. */
const PACKAGES = [
  'tensorflow-cpu==2.21.0',
  'keras==3.15.1',
  'jax==0.10.2',
  'libtpu==0.0.52',
  'torch==2.15.0',
  'torchvision==0.29.2',
  'timm==1.0.31',
  'efficientnet-lite-pytorch==0.1.0',
  'tfrecord==1.14.6',
  'onnx==1.23.2',
  'onnxruntime==1.32.0',
  'tensorboard==2.21.0',
];

/** `npm run bench -- setup`. */
export const setupBench = scriptCommand(
  'setup',
  "make .venv with the peers' packages; several GB, as PyTorch brings its CUDA packages",
  'npm run bench -- setup',
).action(setup);

async function setup(): Promise<void> {
  if (!existsSync(VENV)) await execa('python3', ['-m', 'venv', VENV], { stdio: 'inherit' });
  const pip = process.platform === 'win32' ? join(VENV, 'Scripts', 'pip.exe') : join(VENV, 'bin', 'pip');
  await execa(pip, ['install', '--quiet', '--disable-pip-version-check', ...PACKAGES], { stdio: 'inherit' });
  console.error(`the peers are ready in ${VENV}`);
}
