import { execa } from 'execa';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { VENV } from './python.ts';

/** What the peers import. */
const PACKAGES = ['tensorflow-cpu==2.21.0'];

/** `npm run bench -- setup`: makes `.venv` with the peers' packages; about 1 GB. */
export async function setup(): Promise<void> {
  if (!existsSync(VENV)) await execa('python3', ['-m', 'venv', VENV], { stdio: 'inherit' });
  const pip = process.platform === 'win32' ? join(VENV, 'Scripts', 'pip.exe') : join(VENV, 'bin', 'pip');
  await execa(pip, ['install', '--quiet', '--disable-pip-version-check', ...PACKAGES], { stdio: 'inherit' });
  console.error(`the peers are ready in ${VENV}`);
}
