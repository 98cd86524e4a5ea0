import { UsageError } from '../base/index.ts';
import { decodeImage, readImageFile, type ImageSize } from '../data/index.ts';
import { openBackend, RuntimeError, type Backend, type BackendOptions } from '../runtime/index.ts';
import { Ensemble, likeliest, type Explanation } from '../serve/index.ts';

/** Where a model runs, and how many images it takes at a time. */
export interface LoadOptions extends Pick<BackendOptions, 'device' | 'replicas' | 'threads' | 'log'> {
  /** A backend that is open already; it stays open when the model is closed. */
  readonly backend?: Backend;
  /** Images a step, over all replicas, where there are several; 8 unless given. */
  readonly batchSize?: number;
}

/** A class, and how likely it is, from 0 to 1. */
export interface ClassProbability {
  readonly name: string;
  readonly probability: number;
}

/** The classes of one image. */
export interface Prediction {
  /** By probability, the greatest first; all classes of the model. */
  readonly classes: readonly [ClassProbability, ...ClassProbability[]];
  /** Grad-CAM maps of the three likeliest classes; empty unless asked for. */
  readonly explanations: readonly Explanation[];
}

/** A trained model, ready to name images. */
export interface LoadedModel extends AsyncDisposable {
  readonly classNames: readonly string[];
  /** What images are cropped and resized to. */
  readonly size: ImageSize;
  /** Classifies images: paths of files, or the bytes of JPEG, PNG, WebP, GIF, TIFF or AVIF files. */
  predict<const Images extends readonly (string | Uint8Array)[]>(
    images: Images,
    options?: { readonly explain?: boolean },
  ): Promise<{ readonly [I in keyof Images]: Prediction }>;
  /** Waits for predictions under way, then gives memory back, and the device unless the backend was given. Twice does nothing. */
  close(): Promise<void>;
}

/**
 * Loads the best weights of a run, of several runs whose probabilities are averaged, or of an ensemble's `.json` file, and
 * compiles them for this machine: for one image at once, for several when several are first predicted.
 *
 * @throws CheckpointError for a run that can't be read, RuntimeError where the device isn't there.
 * @example
 * await using model = await loadModel('runs/first');
 * const [{ classes }] = await model.predict(['rose.jpg']);
 * console.log(classes[0].name, classes[0].probability);
 */
export async function loadModel(runs: string | readonly string[], options: LoadOptions = {}): Promise<LoadedModel> {
  const { batchSize = 8 } = options;
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new UsageError('BATCH_SIZE', `there can't be batches of ${batchSize} images`, {
      expected: 'a whole number from 1',
    });
  }
  const backend = options.backend ?? (await openBackend(options));
  const closeBackend = async () => {
    if (options.backend === undefined) await backend.close();
  };
  let ensemble: Ensemble;
  const one = backend.replicas;
  const many = Math.ceil(batchSize / one) * one;
  try {
    ensemble = await Ensemble.load(backend, typeof runs === 'string' ? [runs] : runs, [one]);
  } catch (error) {
    await closeBackend();
    throw error;
  }
  let compiling: Promise<void> | undefined;
  const running = new Set<Promise<unknown>>();
  let closing: Promise<void> | undefined;
  const end = async () => {
    await Promise.allSettled(running);
    ensemble.dispose();
    await closeBackend();
  };
  const close = async () => (closing ??= end());
  const predict = async (images: readonly (string | Uint8Array)[], explain: boolean): Promise<Prediction[]> => {
    const predictions: Prediction[] = [];
    for (let at = 0, rows: number; at < images.length; at += rows) {
      rows = images.length - at <= one ? one : many;
      if (rows > one) {
        compiling ??= ensemble.compile(rows);
        // What failed may not the next time, such as for want of memory.
        await compiling.catch((error: unknown) => {
          compiling = undefined;
          throw error;
        });
      }
      const queries = await Promise.all(
        images.slice(at, at + rows).map(async (image) => ({ pixels: await decodeAt(image, ensemble.sizes), explain })),
      );
      for (const { probabilities, explanations } of await ensemble.answer(queries, rows)) {
        const order = likeliest(probabilities, probabilities.length);
        const classes = order.map((i) => ({ name: ensemble.classNames[i], probability: probabilities[i] }));
        predictions.push({ classes: classes as [ClassProbability, ...ClassProbability[]], explanations });
      }
    }
    return predictions;
  };
  return {
    classNames: ensemble.classNames,
    size: ensemble.sizes[0],
    predict: async <const Images extends readonly (string | Uint8Array)[]>(
      images: Images,
      { explain = false } = {},
    ) => {
      if (closing !== undefined) throw new RuntimeError('DISPOSED', 'the model is used after it was closed');
      // The bytes of one image have a `map` too, and each of them would be taken for an image.
      if (!Array.isArray(images)) {
        throw new UsageError('IMAGE', 'predict takes several images', {
          expected: 'an array of paths and bytes: [image]',
          received: typeof images === 'string' ? 'a string' : 'no array',
        });
      }
      const predicting = predict(images, explain);
      running.add(predicting);
      try {
        return (await predicting) as { readonly [I in keyof Images]: Prediction };
      } finally {
        running.delete(predicting);
      }
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function decodeAt(image: string | Uint8Array, sizes: readonly ImageSize[]): Promise<Buffer[]> {
  if (typeof image !== 'string' && !(image instanceof Uint8Array)) {
    throw new UsageError('IMAGE', 'no image that can be read', {
      expected: 'the path of a file, or its bytes',
      received: typeof image,
    });
  }
  const bytes = typeof image === 'string' ? await readImageFile(image) : Buffer.from(image);
  const place = { file: typeof image === 'string' ? image : 'image' };
  return Promise.all(
    sizes.map(async (size) => {
      const out = Buffer.allocUnsafe(size.height * size.width * 3);
      await decodeImage(bytes, size, out, place, { autoOrient: true });
      return out;
    }),
  );
}
