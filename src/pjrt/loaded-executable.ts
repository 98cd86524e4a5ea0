import { Buffer, type BufferOwner } from './buffer.ts';
import type { Device } from './device.ts';
import { PjrtError } from './error.ts';
import { PendingEvent } from './event.ts';
import { Executable } from './executable.ts';
import { addressOf, type Pointer } from './ffi.ts';
import { EXECUTE_OPTIONS } from './functions.ts';
import { prepareRun } from './run-memory.ts';

/** What a program needs of its client. */
export interface ProgramOwner extends BufferOwner {
  /** Programs not yet destroyed. */
  readonly executables: Set<LoadedExecutable>;
  deviceOf(handle: Pointer): Device;
  inLaunchOrder<T>(launch: () => Promise<T>): Promise<T>;
}

/** A run that has been handed to the devices. */
export interface Launch {
  /** [replica][output]; they can be arguments of the next launch at once. */
  readonly outputs: Buffer[][];
  /** Resolves when all devices are through, and throws what the first failing one failed with. */
  readonly done: Promise<void>;
}

/** A program that is ready to run on devices of a client. */
export class LoadedExecutable extends Executable {
  /** One for each replica (and each partition of it). */
  readonly devices: readonly Device[];
  readonly #client: ProgramOwner;
  readonly #loaded: Pointer;
  /** Bytes of a run's intermediate results on a device. Set by a caller that knows them: asking the plugin takes 60 ms for a large program. */
  tempBytes: number | undefined;
  /** Frees what else is there for the program alone, after it. */
  afterFree: () => void = () => {};
  /** Indices of the arguments that the program takes over, known after the first launch. */
  #donated: readonly number[] | undefined;

  constructor(client: ProgramOwner, loaded: Pointer) {
    const { api } = client;
    super(api, api.call('LoadedExecutable_GetExecutable', { loaded_executable: loaded }).executable);
    this.#client = client;
    this.#loaded = loaded;
    const { addressable_devices: handles } = api.call('LoadedExecutable_AddressableDevices', { executable: loaded });
    this.devices = handles.map((handle) => client.deviceOf(handle));
    client.executables.add(this);
  }

  /**
   * Runs the program once on all its devices.
   *
   * The arguments stay the caller's, also those that the program was allowed to reuse (donation): destroy them when they
   * are of no more use. The outputs are the caller's too.
   *
   * @param args [replica][argument], each buffer on the device of its replica.
   * @returns [replica][output], computed.
   */
  async execute(args: readonly (readonly Buffer[])[]): Promise<Buffer[][]> {
    const { outputs, done } = await this.launch(args);
    try {
      await done;
    } catch (error) {
      for (const output of outputs.flat()) output.destroy();
      throw error;
    }
    return outputs;
  }

  /**
   * As `execute`, but resolves as soon as the devices have the work. Launches of one client happen one after another, in
   * the order of the calls: all devices must meet the same collectives in the same order.
   */
  async launch(args: readonly (readonly Buffer[])[]): Promise<Launch> {
    this.#check(args);
    const held: Buffer[] = [];
    try {
      // A buffer may be destroyed while a worker thread reads its handle, so all are held until the launch is over.
      const argumentLists = args.map((list) => {
        const handles = new BigUint64Array(list.length);
        for (let i = 0; i < list.length; i++) {
          handles[i] = list[i].acquire();
          held.push(list[i]);
        }
        return handles;
      });
      const launch = await this.use(() =>
        this.#client.inLaunchOrder(async () => {
          const watch = await prepareRun(() => (this.tempBytes ??= this.memoryStats().temp));
          return this.#launch(argumentLists, watch);
        }),
      );
      this.#markDonated(args);
      return launch;
    } finally {
      for (const buffer of held) buffer.release();
    }
  }

  /** Takes note of the arguments whose memory the program took; they are the same ones each time. */
  #markDonated(args: readonly (readonly Buffer[])[]): void {
    if (this.#donated === undefined) {
      // Of a buffer that was destroyed meanwhile nobody can tell any more; the next launch does.
      if (args[0].some((buffer) => buffer.isDestroyed)) return;
      this.#donated = args[0].flatMap((buffer, i) => (buffer.isDeleted() ? [i] : []));
    }
    for (const list of args) for (const i of this.#donated) list[i].markDonated();
  }

  #check(args: readonly (readonly Buffer[])[]): void {
    const counts = new Set(args.map((list) => list.length));
    if (args.length !== this.devices.length || counts.size > 1) {
      throw new PjrtError('INVALID_ARGUMENT', `the arguments don't fit the replicas of ${this.toString()}`, {
        expected: `${this.devices.length} lists of arguments, all of one length`,
        received: `lists of ${args.map((list) => list.length).join(', ')}`,
      });
    }
    for (const [replica, list] of args.entries()) {
      for (const [i, buffer] of list.entries()) this.#checkPlace(buffer, i, replica);
    }
  }

  /** A plugin compares numbers of devices, which are the same for another client's. */
  #checkPlace(buffer: Buffer, argument: number, replica: number): void {
    const device = this.devices[replica];
    if (buffer instanceof Buffer && buffer.device === device) return;
    const received = buffer instanceof Buffer ? `${buffer.toString()} on device ${buffer.device.id}` : String(buffer);
    const other = buffer instanceof Buffer && buffer.device.id === device.id ? ' of another client' : '';
    throw new PjrtError('INVALID_ARGUMENT', `argument ${argument} of replica ${replica} is at the wrong place`, {
      expected: `a buffer on device ${device.id}`,
      received: `${received}${other}`,
    });
  }

  async #launch(argumentLists: readonly BigUint64Array[], watch: (isOver: () => boolean) => void): Promise<Launch> {
    const { api } = this;
    const replicas = argumentLists.length;
    const outputLists = argumentLists.map(() => new BigUint64Array(this.numOutputs));
    const events = new BigUint64Array(replicas);
    await api.callAsync('LoadedExecutable_Execute', {
      executable: this.#loaded,
      options: EXECUTE_OPTIONS.create(api.version.minor).write({}),
      argument_lists: pointersTo(argumentLists),
      num_devices: replicas,
      num_args: argumentLists[0]?.length ?? 0,
      output_lists: pointersTo(outputLists),
      device_complete_events: events,
    });
    const outputs = outputLists.map((list, replica) => this.#wrap(list, this.devices[replica]));
    const pending = Array.from(events, (event) => new PendingEvent(api, event));
    watch(() => pending.every(({ isReady }) => isReady));
    const done = this.#client.whileAlive(() => this.#awaitAll(pending));
    // Whoever awaits it gets the error; until then it must not count as unhandled.
    done.catch(() => {});
    return { outputs, done };
  }

  #wrap(handles: BigUint64Array, device: Device): Buffer[] {
    const outputs: Buffer[] = [];
    for (let i = 0; i < handles.length; i++) {
      outputs.push(new Buffer(this.#client, handles[i], this.outputTypes[i], this.outputShapes[i], device));
    }
    return outputs;
  }

  /** Waits for one device after another, because each wait keeps one of Node's few worker threads. */
  async #awaitAll(events: readonly PendingEvent[]): Promise<void> {
    const errors: unknown[] = [];
    for (const event of events) await event.wait().catch((error: unknown) => errors.push(error));
    if (errors.length > 0) throw errors[0];
  }

  protected override use<T>(work: (handle: Pointer) => Promise<T>): Promise<T> {
    return this.#client.whileAlive(() => super.use(work));
  }

  override destroy(): void {
    this.#client.executables.delete(this);
    super.destroy();
  }

  protected override free(executable: Pointer): void {
    this.api.call('LoadedExecutable_Destroy', { executable: this.#loaded });
    super.free(executable);
    this.afterFree();
  }
}

/** An array of pointers to lists, which it keeps alive. */
function pointersTo(lists: readonly BigUint64Array[]) {
  const pointers = BigUint64Array.from(lists, addressOf);
  return { address: addressOf(pointers), alive: [pointers, lists] };
}
