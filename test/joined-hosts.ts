import assert from 'node:assert/strict';
import type { Buffer, CompileOptions, FormattedProgram, Launch, LoadedExecutable } from '../src/pjrt/index.ts';
import { Backend } from '../src/runtime/index.ts';

type Arguments = readonly (readonly Buffer[])[];

interface Arrival {
  readonly program: string;
  readonly args: Arguments;
  readonly give: PromiseWithResolvers<Launch>;
}

/**
 * Hosts that train together, without several machines: each has a part of one client's devices, and a program of all devices
 * runs when all hosts have called it, as devices of several machines wait for each other. A host that calls another program, or
 * ends while the others wait for it, is an error here; on real hosts it would be a wait without end.
 */
export class JoinedHosts {
  readonly backends: readonly Backend[];
  readonly #queues: readonly Arrival[][];
  readonly #ended: boolean[];
  readonly #compiled = new Map<string, Promise<LoadedExecutable>>();

  /** `whole` has all devices; whoever opened it closes it. */
  constructor(whole: Backend, count: number) {
    const each = whole.devices.length / count;
    this.backends = Array.from({ length: count }, (_, index) => new JoinedBackend(this, whole, { index, count, each }));
    this.#queues = this.backends.map(() => []);
    this.#ended = this.backends.map(() => false);
  }

  /** What each host's work gives or fails with, all of them at once. */
  async run<T>(work: (backend: Backend, host: number) => Promise<T>): Promise<PromiseSettledResult<T>[]> {
    this.#ended.fill(false);
    return Promise.allSettled(
      this.backends.map(async (backend, host) => {
        try {
          return await work(backend, host);
        } finally {
          this.#ended[host] = true;
          this.#meet();
        }
      }),
    );
  }

  /** A program of all hosts is compiled once. */
  async executable(key: string, host: number, compile: () => Promise<LoadedExecutable>): Promise<LoadedExecutable> {
    let compiling = this.#compiled.get(key);
    if (compiling === undefined) {
      compiling = compile();
      this.#compiled.set(key, compiling);
    }
    const launch = async (args: Arguments): Promise<Launch> => {
      const give = Promise.withResolvers<Launch>();
      this.#queues[host].push({ program: key, args, give });
      this.#meet();
      return give.promise;
    };
    return new Proxy(await compiling, {
      get(target, name) {
        if (name === 'launch') return launch;
        // The other hosts may still need it; it goes with the client.
        if (name === 'destroy') return () => {};
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }

  /** Runs what all hosts have called. */
  #meet(): void {
    const arrivals = this.#queues.map(([first]) => first as Arrival | undefined);
    const absent = arrivals.findIndex((arrival, host) => arrival === undefined && this.#ended[host]);
    if (absent !== -1) return this.#fail(arrivals, `host ${absent} has ended while others wait for it`);
    const [first] = arrivals;
    if (first === undefined || !arrivals.every((arrival) => arrival !== undefined)) return;
    if (!arrivals.every(({ program }) => program === first.program)) {
      return this.#fail(arrivals, `hosts run different programs: ${arrivals.map(({ program }) => nameOf(program)).join(', ')}`); // prettier-ignore
    }
    for (const queue of this.#queues) queue.shift();
    void this.#execute(first.program, arrivals);
  }

  async #execute(program: string, arrivals: readonly Arrival[]): Promise<void> {
    try {
      const executable = await this.#compiled.get(program)!;
      const { outputs, done } = await executable.launch(arrivals.flatMap(({ args }) => args));
      let next = 0;
      for (const { args, give } of arrivals) {
        give.resolve({ outputs: outputs.slice(next, next + args.length), done });
        next += args.length;
      }
    } catch (error) {
      for (const { give } of arrivals) give.reject(error);
    }
  }

  #fail(arrivals: readonly (Arrival | undefined)[], message: string): void {
    for (const queue of this.#queues) queue.shift();
    for (const arrival of arrivals) arrival?.give.reject(new assert.AssertionError({ message }));
  }
}

/** The module's name in a program's text. */
const nameOf = (program: string): string => /@(\w+)/.exec(program)?.[1] ?? program.slice(0, 40);

class JoinedBackend extends Backend {
  readonly #hosts: JoinedHosts;

  constructor(hosts: JoinedHosts, whole: Backend, place: { index: number; count: number; each: number }) {
    const { index, count, each } = place;
    const devices = whole.devices.slice(index * each, (index + 1) * each);
    const all = { host: { index, count }, allDevices: whole.devices };
    super('cpu', whole.plugin, whole.client, devices, { compileCache: false }, all);
    this.#hosts = hosts;
  }

  override async compile(
    program: string | Uint8Array | FormattedProgram,
    options: CompileOptions,
  ): Promise<LoadedExecutable> {
    assert.equal(options.replicas, this.replicas, 'a program of one host is compiled for its own devices');
    assert.ok(typeof program === 'string');
    const compile = async () => super.compile(program, options);
    return this.#hosts.executable(program, this.host.index, compile);
  }

  /** The devices belong to whoever opened the whole. */
  override async close(): Promise<void> {}
}
