import type { InstalledPlugin } from '../../assets/index.ts';
import { askChild } from './ask-child.ts';

/** What a plugin was asked, in a process of its own. */
export interface ProbeRequest {
  readonly plugin: InstalledPlugin;
  /** Whether to take hold of the devices too. */
  readonly devices: boolean;
}

/** What came of it. */
export type ProbeResult =
  | { readonly apiVersion: string; readonly devices: readonly string[] }
  | {
      readonly failed: string;
      readonly hint?: string;
      /** What the plugin last said, where it ended the process or gave no answer instead of an error. */
      readonly died?: string;
    };

/** Milliseconds; a TPU's driver may take most of a minute to answer. */
const LIMIT = 120_000;

/**
 * Loads a plugin in a child process, so that one that crashes or hangs can't take this process with it.
 *
 * Never rejects for what the plugin does; throws the signal's reason after an abort.
 */
export async function probePlugin(request: ProbeRequest, signal?: AbortSignal): Promise<ProbeResult> {
  const { result, ended, said } = await askChild<ProbeResult>('plugin-probe-child', request, {
    timeout: LIMIT,
    signal,
  });
  if (result !== undefined) return result;
  const last = lastWords(said);
  const reason = ended === 'SIGKILL' ? `no answer in ${LIMIT / 1000} s` : `the process ended with ${ended}`;
  return { failed: last === '' ? reason : `${reason}: ${last}`, died: last === '' ? reason : last };
}

/** The line about what was fatal, or else the last one, without the time and the place in the plugin's source. */
function lastWords(said: string): string {
  const lines = said
    .trim()
    .split('\n')
    .filter((line) => !line.startsWith('WARNING: All log messages before'));
  const line = lines.findLast((candidate) => /^F\d{4} /.test(candidate)) ?? lines.at(-1) ?? '';
  return line.replace(/^[IWEF]\d{4} \S+ +\d+ \S+\] /, '').slice(0, 300);
}
