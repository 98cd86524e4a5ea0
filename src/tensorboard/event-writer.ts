import { open, type FileHandle } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { create, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { makeFolder, writeError } from '../base/index.ts';
import { frameRecord } from '../data/index.ts';
import { EventSchema, type Summary_ValueSchema } from './event_pb.ts';

type Value = MessageInitShape<typeof Summary_ValueSchema>;

/** An encoded PNG or JPEG picture. */
export interface ImageSummary {
  readonly height: number;
  readonly width: number;
  readonly bytes: Uint8Array;
}

/** The form of events that TensorBoard reads today. */
const VERSION = 'brain.Event:2';
const SESSION_START = 1;
const DT_STRING = 7;

/** How many files this process has begun: two that begin within a second would have the same name. */
let begun = 0;

/**
 * Writes one event file of TensorBoard, a record at a time, so that TensorBoard can follow while it grows.
 *
 * A process that is killed leaves at most half a record at the end, which TensorBoard passes over.
 *
 * @example
 * const events = await EventWriter.open('runs/first/tensorboard/validation');
 * await events.write(80, { loss: 0.41, accuracy: 0.87 });
 * await events.close();
 */
export class EventWriter implements AsyncDisposable {
  readonly path: string;
  readonly #file: FileHandle;

  private constructor(path: string, file: FileHandle) {
    this.path = path;
    this.#file = file;
  }

  /**
   * Begins a new file in a folder. TensorBoard forgets what older files of the folder tell of step `from` and later ones:
   * a run that goes on from a checkpoint does those steps again.
   *
   * @throws SepalError that says why the file can't be written.
   */
  static async open(folder: string, from = 0): Promise<EventWriter> {
    const seconds = String(Math.floor(Date.now() / 1000)).padStart(10, '0');
    const path = join(folder, `events.out.tfevents.${seconds}.${hostname()}.${process.pid}.${begun++}`);
    try {
      await makeFolder(folder);
      const writer = new EventWriter(path, await open(path, 'wx'));
      await writer.#append({ case: 'fileVersion', value: VERSION }, 0);
      // TensorBoard takes the first start that it sees as the run's, and drops steps at the later ones only.
      await writer.#append({ case: 'sessionLog', value: { status: SESSION_START } }, from);
      return writer;
    } catch (cause) {
      throw writeError(path, cause);
    }
  }

  /** Numbers of a step, by their tags. Those that are not finite are written too: TensorBoard marks them. */
  async write(step: number, scalars: Readonly<Record<string, number>>): Promise<void> {
    await this.#summary(
      step,
      Object.entries(scalars).map(([tag, value]) => ({ tag, value: { case: 'simpleValue', value } })),
    );
  }

  async writeImage(step: number, tag: string, { height, width, bytes }: ImageSummary): Promise<void> {
    await this.#summary(step, [
      { tag, value: { case: 'image', value: { height, width, colorspace: 3, encodedImageString: bytes } } },
    ]);
  }

  /** Text, which TensorBoard shows as Markdown. */
  async writeText(step: number, tag: string, text: string): Promise<void> {
    await this.#summary(step, [
      {
        tag,
        value: { case: 'tensor', value: { dtype: DT_STRING, tensorShape: {}, stringVal: [Buffer.from(text)] } },
        metadata: { pluginData: { pluginName: 'text' } },
      },
    ]);
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #summary(step: number, value: Value[]): Promise<void> {
    await this.#append({ case: 'summary', value: { value } }, step);
  }

  async #append(what: MessageInitShape<typeof EventSchema>['what'], step: number): Promise<void> {
    const event = create(EventSchema, { wallTime: Date.now() / 1000, step: BigInt(step), what });
    try {
      await this.#file.appendFile(frameRecord(toBinary(EventSchema, event)));
    } catch (cause) {
      throw writeError(this.path, cause);
    }
  }
}
