import { treeLeaves } from '../base/index.ts';
import type { ImageSize } from '../data/index.ts';
import type { Model } from '../models/index.ts';
import { isDeviceArray, type Backend, type DeviceArray } from '../runtime/index.ts';
import {
  compileExplainedClassifier,
  explainRows,
  type ExplainedClassifier,
  type Heat,
  type TrainedModel,
} from '../train/index.ts';

/** A batch that one member has classified; its feature maps stay on the device until it is disposed of. */
interface ClassifiedBatch extends Disposable {
  /** [batch, classes]. */
  readonly probabilities: Float32Array;
  /** Grad-CAM of the given classes of each row. */
  explain(classes: readonly (readonly number[])[]): Promise<Heat[][]>;
  dispose(): void;
}

/** One trained model on the devices, compiled for batches of several sizes. */
export class Member {
  readonly run: string;
  readonly model: Model;
  readonly classNames: readonly string[];
  readonly #backend: Backend;
  readonly #trained: TrainedModel;
  readonly #explained: number;
  readonly #compiled = new Map<number, ExplainedClassifier>();

  constructor(backend: Backend, run: string, trained: TrainedModel, explained: number) {
    this.run = run;
    this.model = trained.model;
    this.classNames = trained.info.classNames;
    this.#backend = backend;
    this.#trained = trained;
    this.#explained = explained;
  }

  get size(): ImageSize {
    return this.model.size;
  }

  /** Compiles for batches of this size; gives the seconds it took. */
  async compile(batchSize: number): Promise<number> {
    const compiled = await compileExplainedClassifier(this.#backend, this.model, batchSize, this.#explained);
    this.#compiled.set(batchSize, compiled);
    return compiled.classify.program.compileSeconds + compiled.explain.program.compileSeconds;
  }

  /** Probabilities of pictures; the batch is filled up with black ones. */
  async classify(pictures: readonly Buffer[], batchSize: number): Promise<ClassifiedBatch> {
    const { classify } = this.#program(batchSize);
    const { height, width } = this.size;
    const length = height * width * 3;
    const pixels = new Uint8Array(batchSize * length);
    for (const [i, picture] of pictures.entries()) pixels.set(picture, i * length);
    const images = await this.#backend.shard(pixels, { shape: [batchSize, height, width, 3], dtype: 'uint8' });
    try {
      const { probabilities, features } = await classify(this.#weights, images);
      try {
        return this.#batch((await this.#backend.gather(probabilities)) as Float32Array, features, batchSize);
      } finally {
        probabilities.dispose();
      }
    } finally {
      images.dispose();
    }
  }

  dispose(): void {
    for (const array of treeLeaves(this.#trained.weights, isDeviceArray)) array.dispose();
    for (const { classify, explain } of this.#compiled.values()) {
      classify.dispose();
      explain.dispose();
    }
  }

  get #weights(): Pick<TrainedModel['weights'], 'params' | 'statistics'> {
    const { params, statistics } = this.#trained.weights;
    return { params, statistics };
  }

  #program(batchSize: number): ExplainedClassifier {
    const program = this.#compiled.get(batchSize);
    if (program === undefined) throw new RangeError(`no program for batches of ${batchSize}`);
    return program;
  }

  #batch(probabilities: Float32Array, features: DeviceArray, batchSize: number): ClassifiedBatch {
    const dispose = () => features.dispose();
    return {
      probabilities,
      explain: async (classes) =>
        explainRows(this.#backend, this.#program(batchSize), this.#weights, features, classes),
      dispose,
      [Symbol.dispose]: dispose,
    };
  }
}
