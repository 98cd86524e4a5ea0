import { printable } from './format.ts';

/** Where human-readable lines go. Results a program may want to read go to stdout instead, by `console.log`. */
export interface Logger {
  /** What a person may want to know; not with `--quiet`. */
  info(line: string): void;
  /** What is probably not as it was meant. */
  warn(line: string): void;
  /** Shown with `--verbose` only. */
  debug(line: string): void;
}

/** A logger on stderr. */
export function createLogger(options: { verbose?: boolean; quiet?: boolean } = {}): Logger {
  const write = (line: string) => void process.stderr.write(`${printable(line)}\n`);
  return {
    info: options.quiet ? () => {} : write,
    warn: (line) => write(`warning: ${line}`),
    debug: options.verbose ? write : () => {},
  };
}

/** A logger that says nothing, for libraries and tests. */
export const silent: Logger = { info: () => {}, warn: () => {}, debug: () => {} };
