import { SepalError, type ErrorDetails } from '../base/index.ts';

/** Names of the codes of PJRT errors, by number; they are those of Abseil and gRPC. */
export const CODES = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
] as const;

/** Name of a code of the C API. */
export type PjrtErrorCode = (typeof CODES)[number];

/** The number of an error code in the C API. */
export const errorCodeNumber = (code: PjrtErrorCode): number => CODES.indexOf(code);

/** The name of an error code, `UNKNOWN` for one that is not in the C API. */
export function errorCodeName(code: number): PjrtErrorCode {
  return CODES[code] ?? 'UNKNOWN';
}

/** An error of a plugin, or of a call that never reached it because it could not have worked. */
export class PjrtError extends SepalError {
  /** The code as the C API counts it; `code` is its name. */
  readonly codeNumber: number;
  /** All the plugin said; the message has only the first line that says something. */
  readonly fullText: string;

  constructor(code: PjrtErrorCode, text: string, details: ErrorDetails = {}) {
    super(code, firstLine(text), { ...details, hint: details.hint ?? HINTS[code] });
    this.codeNumber = CODES.indexOf(code);
    this.fullText = text;
  }
}

const HINTS: Partial<Record<PjrtErrorCode, string>> = {
  RESOURCE_EXHAUSTED: 'the device is out of memory: use a smaller batch or image size',
};

/** Lines that frame a plugin's message and say nothing themselves. */
const EMPTY_LINE = /^[\s=*-]*$|^\s*(?:stack ?trace|backtrace|source location trace)\b/i;
const LONGEST = 400;

function firstLine(text: string): string {
  const line = text.split('\n').find((candidate) => !EMPTY_LINE.test(candidate)) ?? text;
  const trimmed = line.trim();
  return trimmed.length <= LONGEST ? trimmed : `${trimmed.slice(0, LONGEST)}…`;
}

/** A file that can't be used as a plugin. */
export class PluginLoadError extends SepalError {}
