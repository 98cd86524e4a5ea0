import { SepalError } from '../../base/index.ts';
import type { Hosts } from '../../runtime/index.ts';

/** The error of a run that was told to end; with `step` all up to it is saved. `host` is which of several was told. */
export function interruption(
  signal: AbortSignal | undefined,
  { step, host }: { readonly step?: number; readonly host?: number } = {},
): SepalError {
  const who = signal?.aborted === true || host === undefined ? 'interrupted' : `interrupted on host ${host}`;
  return new SepalError('INTERRUPTED', step === undefined ? who : `${who}; everything up to step ${step} is saved`, {
    hint: 'go on with --resume',
    cause: signal?.reason,
  });
}

/** Whether an error says that this host or another was interrupted. */
export const isInterruption = (error: unknown, signal: AbortSignal | undefined): boolean =>
  signal?.aborted === true || (error instanceof SepalError && error.code === 'INTERRUPTED');

/** A check between batches that throws on all hosts as soon as one of them is told to end. */
export const interruptionCheck = (hosts: Hosts, signal: AbortSignal | undefined) => async (): Promise<void> => {
  const told = await hosts.first({ interrupted: signal?.aborted === true });
  if (told === undefined) return;
  signal?.throwIfAborted();
  throw interruption(signal, { host: told.host });
};
