/**
 * Sepal as a library: train image classifiers, use them, read their data.
 *
 * Each room has a door of its own for what goes deeper: `sepal/xla` (tracing and gradients), `sepal/runtime` (compiling and
 * running), `sepal/pjrt` (the C API), `sepal/train`, `sepal/models`, `sepal/data`, `sepal/serve`.
 *
 * Importing it sets environment variables that XLA's plugins read, where the process has none of that name: `TF_CPP_MIN_LOG_LEVEL`,
 * `CPUPROFILE_FREQUENCY`, `PJRT_NPROC`, and without a TPU `TPU_SKIP_MDS_QUERY`, `ALLOW_MULTIPLE_LIBTPU_LOAD`, `TPU_ACCELERATOR_TYPE`
 * and `TPU_WORKER_HOSTNAMES`. Set later, while images are decoded, they could end the process. It also turns off `sharp`'s cache, and
 * its threads within one image, as many are decoded at a time.
 *
 * @packageDocumentation
 */
export { SepalError } from '../base/index.ts';
export { convertFolder, openDataset, readTFRecords, type Dataset, type ExampleValues } from '../data/index.ts';
export { buildModel, MODELS } from '../models/index.ts';
export { openBackend, type Backend } from '../runtime/index.ts';
export { startServer, type RunningServer, type ServeOptions } from '../serve/index.ts';
export { loadModel, type ClassProbability, type LoadedModel, type LoadOptions, type Prediction } from './load-model.ts';
export { train, type TrainModelOptions } from './train-model.ts';
