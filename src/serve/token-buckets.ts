import ipaddr from 'ipaddr.js';

/** A client that hasn't come back for so long has a full bucket again, and is forgotten when room is needed. */
const MOST_CLIENTS = 10_000;

/**
 * A token bucket for each client: it holds up to `burst` tokens and fills by `perSecond` a second.
 *
 * The table is bounded: when it is full, the client that came longest ago is forgotten.
 */
export class TokenBuckets {
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #now: () => number;
  /** In the order of their last use. */
  readonly #buckets = new Map<string, { tokens: number; at: number }>();

  /** @param now seconds on a clock that only goes forward. */
  constructor(perSecond: number, burst: number, now: () => number = () => performance.now() / 1000) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#now = now;
  }

  /** Takes tokens. Gives 0, or the seconds until there are enough, with nothing taken. */
  take(client: string, tokens: number): number {
    if (this.#perSecond <= 0) return 0;
    const now = this.#now();
    const known = this.#buckets.get(client);
    const filled =
      known === undefined ? this.#burst : Math.min(this.#burst, known.tokens + (now - known.at) * this.#perSecond);
    const wanted = Math.min(tokens, this.#burst);
    const left = filled >= wanted ? filled - wanted : filled;
    this.#buckets.delete(client);
    this.#buckets.set(client, { tokens: left, at: now });
    if (this.#buckets.size > MOST_CLIENTS) {
      const [oldest] = this.#buckets.keys();
      this.#buckets.delete(oldest);
    }
    return filled >= wanted ? 0 : (wanted - filled) / this.#perSecond;
  }
}

/** What stands for a client: its IPv4 address, or the network of its IPv6 one, of which a client has many. */
export function clientKey(address: string | undefined): string {
  // Some proxies name the port, too: `10.0.0.7:5123`, `[2001:db8::7]:5123`.
  const host = address?.replace(/^\[(.+)\](?::\d+)?$/, '$1').replace(/^([\d.]+):\d+$/, '$1');
  if (host === undefined || !ipaddr.isValid(host)) return 'unknown';
  const parsed = ipaddr.process(host.split('%')[0]);
  if (parsed instanceof ipaddr.IPv4) return parsed.toString();
  return `${parsed.parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(':')}::/64`;
}
