import { Agent, request } from 'undici';

/** What became of the requests of one phase. */
export interface Tally {
  readonly sent: number;
  readonly answered: number;
  /** Refused with status 429 and a `Retry-After`. */
  readonly busy: number;
  /** Anything else: no answer, another status, a 429 that doesn't say when to come back. */
  readonly lost: number;
  readonly seconds: number;
  /** Milliseconds of the answered ones, the shortest first. */
  readonly latencies: readonly number[];
}

export const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;

type Result = { readonly kind: 'answered' | 'busy' | 'lost'; readonly milliseconds: number };

/** Sends images to a server, always the next one of a few. */
export class Load {
  readonly #url: string;
  readonly #images: readonly Buffer[];
  readonly #agent = new Agent({ connections: 256, pipelining: 1, keepAliveTimeout: 4000 });
  #next = 0;

  constructor(url: string, images: readonly Buffer[]) {
    this.#url = `${url}/api/predict`;
    this.#images = images;
  }

  /** So many clients, each of which sends the next image when it has the answer to the last one. */
  async closed(clients: number, enough: (done: number, seconds: number) => boolean): Promise<Tally> {
    const started = performance.now();
    const results: Result[] = [];
    const seconds = () => (performance.now() - started) / 1000;
    await Promise.all(
      Array.from({ length: clients }, async () => {
        while (!enough(results.length, seconds())) results.push(await this.#send(performance.now()));
      }),
    );
    return tally(results, seconds());
  }

  /**
   * So many images a second at random moments (a Poisson process), whether or not earlier ones are answered. Latency counts
   * from the moment at which an image was due.
   */
  async open(perSecond: number, duration: number): Promise<Tally> {
    const started = performance.now();
    const results: Promise<Result>[] = [];
    for (let due = started; due < started + duration * 1000; due += (-Math.log(1 - Math.random()) / perSecond) * 1000) {
      const early = due - performance.now();
      if (early > 1) await new Promise((resolve) => setTimeout(resolve, early));
      results.push(this.#send(due));
    }
    const finished = await Promise.all(results);
    return tally(finished, (performance.now() - started) / 1000);
  }

  async close(): Promise<void> {
    await this.#agent.close();
  }

  async #send(due: number): Promise<Result> {
    const image = this.#images[this.#next++ % this.#images.length];
    const kind = await this.#outcome(image);
    return { kind, milliseconds: performance.now() - due };
  }

  async #outcome(image: Buffer): Promise<Result['kind']> {
    try {
      const headers = { 'content-type': 'image/jpeg' };
      const {
        statusCode,
        headers: answer,
        body,
      } = await request(this.#url, {
        method: 'POST',
        body: image,
        headers,
        dispatcher: this.#agent,
      });
      const text = await body.text();
      if (statusCode === 200 && text.includes('"classes"')) return 'answered';
      return statusCode === 429 && Number(answer['retry-after']) >= 1 ? 'busy' : 'lost';
    } catch {
      return 'lost';
    }
  }
}

function tally(results: readonly Result[], seconds: number): Tally {
  const count = (wanted: Result['kind']) => results.filter(({ kind }) => kind === wanted).length;
  const latencies = results
    .filter(({ kind }) => kind === 'answered')
    .map(({ milliseconds }) => milliseconds)
    .toSorted((a, b) => a - b);
  return {
    sent: results.length,
    answered: count('answered'),
    busy: count('busy'),
    lost: count('lost'),
    seconds,
    latencies,
  };
}
