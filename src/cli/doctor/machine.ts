import { access, constants, readFile } from 'node:fs/promises';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { cacheFolder, findPip, freeBytes, PIP_COMMANDS } from '../../assets/index.ts';
import { formatBytes, makeFolder, plural } from '../../base/index.ts';
import type { Check } from './check.ts';

/** Room for the largest plugin beside its wheel, and for compiled programs. */
const ROOM = 1 << 30;

/** The vector and matrix units that XLA's CPU code uses, as /proc/cpuinfo calls them. */
const CPU_FEATURES = ['avx2', 'avx512f', 'avx512_bf16', 'amx_bf16', 'amx_tile', 'neon', 'asimd', 'sve'];

/** Node, system, processor, memory. */
export async function checkMachine(): Promise<Check[]> {
  return [checkNode(), checkSystem(), await checkProcessor(), checkMemory()];
}

/** The cache folder and what brings plugins into it. */
export async function checkStorage(signal: AbortSignal): Promise<Check[]> {
  return [await checkCache(), await checkPip(signal)];
}

/** An older one than Sepal runs on is refused before (`node-version.ts`). */
const checkNode = (): Check => ({ name: 'Node.js', state: 'ok', text: process.version });

function checkSystem(): Check {
  const text = `${process.platform} ${process.arch}`;
  if (process.platform !== 'linux') return { name: 'system', state: 'ok', text: `${text} (untested)` };
  // Without this the report looks up the names of all network interfaces, for seconds.
  Object.assign(process.report, { excludeNetwork: true });
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  if (header.glibcVersionRuntime !== undefined) {
    return { name: 'system', state: 'ok', text: `${text}, glibc ${header.glibcVersionRuntime}` };
  }
  return {
    name: 'system',
    state: 'problem',
    text: `${text} without glibc`,
    todo: 'plugins are built for glibc: use a Debian, Ubuntu or Fedora image in place of Alpine',
  };
}

async function checkProcessor(): Promise<Check> {
  const info = await readFile('/proc/cpuinfo', 'utf8').catch(() => '');
  const flags = new Set(/^(?:flags|Features)\s*:(.*)$/m.exec(info)?.[1].split(' '));
  const features = CPU_FEATURES.filter((feature) => flags.has(feature));
  const words = [cpus()[0]?.model.trim() ?? 'unknown', plural(availableParallelism(), 'core'), features.join(' ')];
  const slow = process.arch === 'x64' && info !== '' && !flags.has('avx2');
  return {
    name: 'processor',
    state: slow ? 'problem' : 'ok',
    text: words.filter((word) => word !== '').join(', '),
    todo: slow ? 'training on this CPU will be very slow: it has no AVX2' : undefined,
  };
}

function checkMemory(): Check {
  // A container's limit, if it has one.
  const limit = process.constrainedMemory();
  const total = limit > 0 ? Math.min(limit, totalmem()) : totalmem();
  return {
    name: 'memory',
    state: 'ok',
    text: `${formatBytes(process.availableMemory())} of ${formatBytes(total)} free`,
  };
}

async function checkCache(): Promise<Check> {
  const name = 'cache';
  const folder = cacheFolder();
  const chosen = process.env.SEPAL_CACHE ? ' (SEPAL_CACHE)' : '';
  try {
    await makeFolder(folder);
    await access(folder, constants.W_OK);
    const free = await freeBytes(folder);
    const text = `${folder}${chosen}, ${formatBytes(free)} free`;
    if (free >= ROOM) return { name, state: 'ok', text };
    return { name, state: 'problem', text, todo: 'free some space, or set SEPAL_CACHE to a folder on another disk' };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { name, state: 'problem', text: reason, todo: 'set SEPAL_CACHE to a folder that you may write to' };
  }
}

async function checkPip(signal: AbortSignal): Promise<Check> {
  const pip = await findPip(signal);
  if (pip !== undefined) {
    const version = pip.version.replace(/ from .*/, '');
    return { name: 'pip', state: 'ok', text: `${version}, run as: ${pip.command.join(' ')}` };
  }
  return {
    name: 'pip',
    state: 'none',
    text: `none of ${PIP_COMMANDS.join(', ')}; only sepal plugin install needs it, and can do with --wheel FILE`,
  };
}
