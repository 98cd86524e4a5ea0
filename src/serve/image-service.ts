import { availableParallelism } from 'node:os';
import { Gate, type ImageSize } from '../data/index.ts';
import type { AddressPolicy } from './address-policy.ts';
import type { AnswerBody, ClassifiedBody, ProblemBody } from './answer-schema.ts';
import type { BatchPlan } from './batch-plan.ts';
import type { Batcher } from './batcher.ts';
import type { ByteAccount } from './byte-budget.ts';
import { likeliest, type Answer, type Query } from './ensemble.ts';
import { fetchImage, type Resolver } from './fetch-image.ts';
import { FetchQueue } from './fetch-queue.ts';
import type { Limits } from './limits.ts';
import type { Metrics } from './metrics.ts';
import { decodePicture, encodePng, type Picture } from './picture.ts';
import type { Question } from './question.ts';
import { ServeError } from './serve-error.ts';
import { Throughput } from './throughput.ts';
import type { Upload } from './upload.ts';

export interface ImageServiceOptions {
  readonly classNames: readonly string[];
  readonly sizes: readonly ImageSize[];
  readonly batcher: Batcher<Query, Answer>;
  readonly plan: BatchPlan;
  readonly limits: Limits;
  readonly policy: AddressPolicy;
  readonly threshold: number;
  readonly resolve?: Resolver;
}

/** Who asks, what its images may take, and when it has gone. */
export interface Asker {
  readonly client: string;
  readonly account: ByteAccount;
  readonly signal: AbortSignal;
}

/** Images worked on that are always taken, however slow the model. */
const FEWEST_AT_WORK = 8;

/** Takes images from upload or URL to an answer: fetches, decodes and classifies them, within the limits. */
export class ImageService {
  readonly #options: ImageServiceOptions;
  readonly #decoders = new Gate(availableParallelism());
  readonly #fetchQueue: FetchQueue;
  readonly #throughput: Throughput;
  #inFlight = 0;
  metrics: Metrics | undefined;

  constructor(options: ImageServiceOptions) {
    this.#options = options;
    this.#fetchQueue = new FetchQueue(options.limits);
    this.#throughput = new Throughput(options.plan.peak);
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** @throws ServeError `BUSY` where so many more images would have to wait longer than the limit. */
  requireRoom(images: number): void {
    this.#requireRoomAnd(0, images);
  }

  #requireRoomAnd(more: number, images: number): void {
    // What is still being fetched takes none of the model's time.
    const { rate, working } = this.#throughput;
    const room = Math.max(FEWEST_AT_WORK, Math.floor(rate * this.#options.limits.queueSeconds)) + more;
    if (working > 0 && working + images > room) {
      throw new ServeError('BUSY', 'the server is busy', { retryAfter: Math.ceil(working / rate) });
    }
  }

  /**
   * Answers for every image; one that is refused doesn't hold up the others.
   *
   * @throws ServeError `BUSY`.
   */
  async answer(
    uploads: readonly Upload[],
    question: Question,
    asker: Asker,
  ): Promise<readonly (ClassifiedBody | ServeError)[]> {
    this.requireRoom(uploads.length);
    this.#inFlight += uploads.length;
    const answers = await Promise.allSettled(
      uploads.map(async (upload) => {
        try {
          const body = await this.#classify(upload, question, asker);
          this.metrics?.images.inc({ outcome: body.sure ? 'sure' : 'unsure' });
          return body;
        } catch (error) {
          // What goes wrong once the client has gone goes wrong because of that.
          const code = error instanceof ServeError ? error.code : undefined;
          const outcome = asker.signal.aborted ? 'aborted' : code;
          if (outcome !== undefined) this.metrics?.images.inc({ outcome });
          if (!(error instanceof ServeError)) throw error;
          return error;
        } finally {
          this.#inFlight--;
        }
      }),
    );
    // A fault only now: the other images have used the account until here.
    return answers.map((answer) => {
      if (answer.status === 'rejected') throw answer.reason;
      return answer.value;
    });
  }

  async #classify(
    { name, source }: Upload,
    { top, explain }: Question,
    { client, account, signal }: Asker,
  ): Promise<ClassifiedBody> {
    if (source instanceof ServeError) throw source;
    const { classNames, sizes, batcher, threshold, limits } = this.#options;
    const started = performance.now();
    let bytes: Buffer;
    if ('url' in source) {
      bytes = await this.#fetchQueue.run(client, signal, async () => this.#fetch(source.url, account, signal));
      // All images of a request that was let in may have arrived at once.
      this.#requireRoomAnd(limits.images, 1);
    } else bytes = source;
    const fetched = performance.now();
    let decoded = fetched;
    const { picture, result, waitSeconds, batchSeconds } = await this.#throughput.follow(async () => {
      const decodedPicture = await this.#decode(bytes, signal);
      decoded = performance.now();
      const batched = await batcher.submit({ pixels: decodedPicture.pixels, explain }, signal);
      return { picture: decodedPicture, ...batched };
    });
    const { probabilities, explanations } = result;
    const classes = likeliest(probabilities, top).map((label) => ({
      name: classNames[label],
      probability: probabilities[label],
    }));
    const stages = {
      ...('url' in source && { fetch: fetched - started }),
      decode: decoded - fetched,
      queue: waitSeconds * 1000,
      model: batchSeconds * 1000,
    };
    for (const [stage, time] of Object.entries(stages)) this.metrics?.stageSeconds.observe({ stage }, time / 1000);
    return {
      name,
      sure: probabilities.reduce((a, b) => Math.max(a, b), 0) >= threshold,
      classes,
      original: picture.original,
      ...(explain && {
        picture: `data:image/png;base64,${(await encodePng(picture.pixels[0], sizes[0])).toString('base64')}`,
        explanations: explanations.map(({ class: label, height, width, values }) => {
          return { class: classNames[label], height, width, values: Array.from(values, roundShare) };
        }),
      }),
      milliseconds: roundAll({ ...stages, total: performance.now() - started }),
    };
  }

  async #fetch(url: string, account: ByteAccount, signal: AbortSignal): Promise<Buffer> {
    const { policy, limits, resolve } = this.#options;
    const bytes = await fetchImage(url, { policy, limits, resolve, signal });
    account.take(bytes.length);
    return bytes;
  }

  async #decode(bytes: Buffer, signal: AbortSignal): Promise<Picture> {
    const { sizes, limits } = this.#options;
    await this.#decoders.enter();
    try {
      signal.throwIfAborted();
      return await decodePicture(bytes, sizes, limits);
    } finally {
      this.#decoders.leave();
    }
  }
}

/** The answers to all images of a request as its body. */
export function answerBody(uploads: readonly Upload[], answers: readonly (ClassifiedBody | ServeError)[]): AnswerBody {
  const images = answers.map((answer, i) =>
    answer instanceof ServeError ? { name: uploads[i].name, error: problemBody(answer) } : answer,
  );
  return { images };
}

export function problemBody({ code, message, expected, received, hint }: ServeError): ProblemBody {
  return { code, message, expected, received, hint };
}

const roundShare = (value: number): number => Math.round(value * 1000) / 1000;

function roundAll<T extends Readonly<Record<string, number>>>(times: T): T {
  return Object.fromEntries(Object.entries(times).map(([name, time]) => [name, Math.round(time * 100) / 100])) as T;
}
