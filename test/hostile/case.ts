import type { ProblemCode } from '../../src/serve/index.ts';

/** Where a hostile case finds the server, and the web server that plays along with it. */
export interface Target {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** A web server at an address that the server is allowed to fetch from. */
  readonly web: string;
  /** The same server at an address that it is not allowed to fetch from. */
  readonly forbiddenWeb: string;
}

/** What came back: the status, and the problem's code where the answer was ours. */
export interface Outcome {
  readonly status: number;
  readonly code?: string;
}

/** One hostile input and how it must be met. */
export interface HostileCase {
  readonly group: string;
  readonly name: string;
  readonly status: number;
  readonly code?: ProblemCode;
  /** Takes seconds by its nature. */
  readonly slow?: boolean;
  attack(target: Target): Promise<Outcome>;
}
