import { printable } from './format.ts';

/** What an error may say besides its message. */
export interface ErrorDetails {
  /** What would have been accepted. */
  readonly expected?: string;
  /** What came instead. */
  readonly received?: string;
  /** What the user can do about it, as one imperative sentence. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/**
 * The one error a user meets: a line that says what and where, and a hint.
 *
 * Rooms subclass it (`PjrtError`, `DataError`, …) so that callers can tell them apart; `code` names the exact case and
 * never changes between versions.
 */
export class SepalError extends Error {
  readonly code: string;
  readonly expected: string | undefined;
  readonly received: string | undefined;
  readonly hint: string | undefined;

  constructor(code: string, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.code = code;
    this.expected = details.expected;
    this.received = details.received;
    this.hint = details.hint;
  }

  /** The message with what was expected and received, on one line, and the hint on a second one; fit for a terminal. */
  toUserString(): string {
    const parts = [this.message];
    if (this.expected !== undefined) parts.push(`expected ${this.expected}`);
    if (this.received !== undefined) parts.push(`received ${this.received}`);
    const line = parts.join('; ');
    return printable(this.hint === undefined ? line : `${line}\n  hint: ${this.hint}`);
  }
}

/** A mistake in what the user typed or wrote: a flag, a recipe, a path. */
export class UsageError extends SepalError {}

/** Something that can't happen did: a bug in Sepal, not in its input. */
export class InternalError extends SepalError {
  constructor(message: string, details: ErrorDetails = {}) {
    super('INTERNAL', message, {
      hint: 'this is a bug in Sepal: please report it with the command you ran',
      ...details,
    });
  }
}

/** Throws an `InternalError` unless `condition` holds. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InternalError(message);
}

/** Whether `error` is a system error with this code, such as `ENOENT` or `ENOSPC`. */
export function isSystemError(error: unknown, code?: string): error is NodeJS.ErrnoException {
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return false;
  return code === undefined || error.code === code;
}
