import { readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findPlugin } from '../src/assets/index.ts';
import { CompileCache, openBackend, type Backend, type BackendOptions } from '../src/runtime/index.ts';

const PREFIX = 'sepal-test-programs-';

/** Compiled programs of one test run. The files of a run are processes with one parent, so its id names the run. */
const CACHE = join(tmpdir(), `${PREFIX}${process.ppid}`);

/** Where the tests run that hold on every device: `SEPAL_TEST_DEVICE`, by default a CPU. */
const DEVICE = (process.env.SEPAL_TEST_DEVICE ?? 'cpu') as 'cpu' | 'cuda';

/** The `skip` option of tests that need the CPU plugin. Under `CI=true` nothing is skipped: a missing plugin fails. */
export const skipWithoutCpuPlugin: string | false =
  process.env.CI === 'true'
    ? false
    : await findPlugin('cpu').then(
        () => false,
        () => 'needs the CPU plugin: run `sepal plugin install cpu`',
      );

/** The `skip` option of tests that hold on every device: needs the plugin of the one that is tested. */
export const skipWithoutTestDevice: string | false = DEVICE === 'cpu' ? skipWithoutCpuPlugin : false;

/** The device that is tested, by default a CPU; the test closes it. */
export async function testBackend(
  options: Pick<BackendOptions, 'replicas' | 'compileCache' | 'signal'> = {},
): Promise<Backend> {
  if (DEVICE === 'cpu') return cpuBackend(options);
  // Files of tests run side by side.
  return openBackend({ device: DEVICE, preallocate: false, compileCache: new CompileCache(CACHE), ...options });
}

/** A CPU backend for tests, which the test closes. Compiled programs are shared by all files of the test run. */
export async function cpuBackend(
  options: Pick<BackendOptions, 'replicas' | 'compileCache' | 'signal'> = {},
): Promise<Backend> {
  removeStaleCaches();
  return openBackend({ device: 'cpu', compileCache: new CompileCache(CACHE), ...options });
}

/** Removes what earlier runs have left. */
function removeStaleCaches(): void {
  for (const name of readdirSync(tmpdir())) {
    if (!name.startsWith(PREFIX) || isRunning(Number(name.slice(PREFIX.length)))) continue;
    rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Another user's process may not be signalled, but it is there.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
