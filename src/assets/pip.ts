import type { ExecaError } from 'execa';
import { AssetError } from './asset-error.ts';
import { loadExeca, runGroup } from './process-group.ts';

/** A way to run pip: the program and the arguments that come before pip's own. */
export interface Pip {
  readonly command: readonly string[];
  /** The first line that it answers to `--version`. */
  readonly version: string;
}

/** In the order of preference: those that need nothing else first. `--version` is asked of `probe`. */
const CANDIDATES: readonly { readonly command: readonly string[]; readonly probe: readonly string[] }[] = [
  { command: ['pip'], probe: ['pip'] },
  { command: ['pip3'], probe: ['pip3'] },
  { command: ['python3', '-m', 'pip'], probe: ['python3', '-m', 'pip'] },
  { command: ['python', '-m', 'pip'], probe: ['python', '-m', 'pip'] },
  { command: ['py', '-m', 'pip'], probe: ['py', '-m', 'pip'] },
  // These two bring pip themselves when it is first run, so only they are probed.
  { command: ['uv', 'tool', 'run', 'pip'], probe: ['uv'] },
  { command: ['pipx', 'run', 'pip'], probe: ['pipx'] },
];

/** The commands that `findPip` looks for. */
export const PIP_COMMANDS: readonly string[] = CANDIDATES.map(({ command }) => command.join(' '));

/** The first pip that works on this machine, or undefined. */
export async function findPip(signal?: AbortSignal): Promise<Pip | undefined> {
  const { execa } = await loadExeca();
  for (const { command, probe } of CANDIDATES) {
    const [file, ...args] = probe;
    const result = await execa(file, [...args, '--version'], { reject: false, stdin: 'ignore', cancelSignal: signal });
    signal?.throwIfAborted();
    if (!result.failed) return { command, version: result.stdout.split('\n')[0] };
  }
  return undefined;
}

/** What pip is asked to bring. */
export interface PipRequest {
  /** Such as `six==1.17.0`. */
  readonly requirement: string;
  /** Wheel tags such as `manylinux_2_27_x86_64`; without them pip takes what fits this machine. */
  readonly platform?: string;
  /** Wheels for this Python are chosen, whichever runs pip. */
  readonly pythonVersion?: string;
}

/**
 * Downloads one wheel into a folder through the user's own pip, so that their mirror, proxy and certificates are used.
 *
 * @throws AssetError `PIP_FAILED` with the line of pip's output that says why, or `DISK_FULL`.
 */
export async function pipDownload(pip: Pip, request: PipRequest, folder: string, signal?: AbortSignal): Promise<void> {
  const command = [...pip.command, 'download', '--no-deps', '--only-binary=:all:', '--no-input', '--progress-bar=off'];
  // The wheel stays in our cache: a second copy in pip's would only fill the disk.
  command.push('--no-cache-dir', '--disable-pip-version-check', '--dest', folder);
  if (request.platform !== undefined) command.push('--platform', request.platform);
  if (request.pythonVersion !== undefined) {
    command.push('--python-version', request.pythonVersion, '--implementation', 'cp');
  }
  command.push(request.requirement);
  const { ExecaError } = await loadExeca();
  try {
    // pip downloads into its temporary folder first; inside ours it is removed with it and shows how far it is.
    const env = { TMPDIR: folder, TEMP: folder, TMP: folder, PIP_REQUIRE_VIRTUALENV: '0' };
    await runGroup(command, env, signal);
  } catch (cause) {
    signal?.throwIfAborted();
    if (!(cause instanceof ExecaError)) throw cause;
    throw pipError(pip, request, folder, cause);
  }
}

function pipError(pip: Pip, { requirement }: PipRequest, folder: string, cause: ExecaError): AssetError {
  const lines = String(cause.stderr ?? '').split('\n');
  if (lines.some((line) => line.includes('No space left on device'))) {
    return new AssetError('DISK_FULL', `no room left on the disk while downloading ${requirement} to ${folder}`, {
      hint: 'free some space, or set SEPAL_CACHE to a folder on another disk; nothing half-written is left',
      cause,
    });
  }
  const name = pip.command.join(' ');
  const broken = lines.findLast((line) => line.includes('after connection broken by'));
  if (broken !== undefined) {
    return new AssetError('PIP_FAILED', `${name} can't reach the package index: ${connectionReason(broken)}`, {
      hint: `check the network or pip's index-url and proxy, or bring the wheel of ${requirement} from another machine and give it with --wheel FILE`,
      cause,
    });
  }
  const said = lines.findLast((line) => line.startsWith('ERROR:')) ?? lines.findLast((line) => line.trim() !== '');
  const reason = said?.replace(/^ERROR:\s*/, '').trim() ?? cause.shortMessage;
  return new AssetError('PIP_FAILED', `${name} couldn't download ${requirement}: ${reason}`, {
    hint: 'check that your package index has it, or bring the wheel from another machine and give it with --wheel FILE',
    cause,
  });
}

/** `… 'NewConnectionError('<…>: Failed to establish a new connection: [Errno 111] Connection refused')': /simple/six/` → its end. */
function connectionReason(line: string): string {
  const reason = /broken by '(.*)':/.exec(line)?.[1] ?? line;
  return (
    reason
      .replace(/['")]+$/, '')
      .split(': ')
      .at(-1)
      ?.trim() ?? reason
  );
}
