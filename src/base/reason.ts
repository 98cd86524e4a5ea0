/** Why a request failed, in the words of what it failed with: `fetch` says only `fetch failed`, its cause says why. */
export function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!(cause instanceof Error)) return String(cause);
  // An attempt at several addresses fails with one error for each, and no message of its own.
  if (cause.message === '' && cause instanceof AggregateError) return reasonOf(cause.errors[0]);
  return cause.message;
}
