import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/**
 * Sets the environment variables that plugins read. What the user has set stays as it is.
 *
 * It is done when this room is loaded, not when a plugin is. A new variable moves the C library's table of them, and a thread
 * that reads one meanwhile (an image decoder's first picture does) reads freed memory and takes the process down; giving a
 * variable that is there another value moves nothing. So whoever sets one later finds it here.
 *
 * It works on the main thread only: a worker's `process.env` is a copy that native code doesn't see.
 */
export function prepareEnvironment(): void {
  const { env } = process;
  // XLA logs its errors to stderr and returns them as well. Level 3 leaves what ends the process.
  env['TF_CPP_MIN_LOG_LEVEL'] ??= '3';
  // libtpu starts profiling timers and ignores their signal. Node restores the signal's default when it exits, which is
  // to kill the process, so that a run that went well ends with status 155.
  env['CPUPROFILE_FREQUENCY'] ??= '0';
  // Threads of XLA's CPU client.
  env['PJRT_NPROC'] ??= env['NPROC'] ?? String(availableParallelism());
  // libtpu asks the cloud's metadata server what machine it is on, for minutes where no server answers.
  if (mayHaveTpu()) return;
  env['TPU_SKIP_MDS_QUERY'] ??= '1';
  // One process at a time may have a TPU; any number may compile for one that isn't there.
  env['ALLOW_MULTIPLE_LIBTPU_LOAD'] ??= '1';
  // … and complains on stderr that it can't know these two. A topology created by name doesn't depend on them.
  env['TPU_ACCELERATOR_TYPE'] ??= 'v3-8';
  env['TPU_WORKER_HOSTNAMES'] ??= 'localhost';
}

/** TPU chips show as /dev/accel0, … or, the newer ones, as /dev/vfio/0, … */
function mayHaveTpu(): boolean {
  return hasEntry('/dev', /^accel\d+$/) || hasEntry('/dev/vfio', /^\d+$/);
}

function hasEntry(folder: string, name: RegExp): boolean {
  try {
    return readdirSync(folder).some((entry) => name.test(entry));
  } catch {
    return false;
  }
}
