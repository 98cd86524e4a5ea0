import { once } from 'node:events';
import { InvalidArgumentError } from 'commander';
import { plural } from '../../base/index.ts';
import { MAX_PIXELS } from '../../data/index.ts';
import {
  DEFAULT_BATCH_SIZES,
  DEFAULT_LATENCY_BUDGET,
  DEFAULT_LIMITS,
  DEFAULT_PORT,
  DEFAULT_THRESHOLD,
  startServer,
} from '../../serve/index.ts';
import type { AddCommand, Context } from '../command.ts';
import { addDeviceOptions, openDevice, type DeviceFlags } from '../device-flags.ts';
import { parseCount, parseNumber, parsePositive } from '../numbers.ts';
import { sepalVersion } from '../version.ts';

interface ServeFlags extends DeviceFlags {
  readonly host: string;
  readonly port: number;
  readonly threshold: number;
  readonly batchSizes: readonly number[];
  readonly latency: number;
  readonly allowRange: readonly string[];
  readonly trustProxy?: boolean;
  readonly calibration: boolean;
  readonly json?: boolean;
  readonly rate: number;
  readonly maxMb: number;
  readonly maxMegapixels: number;
  readonly maxImages: number;
}

/** Megabytes of one image at most: several of them are held in memory at a time. */
const MAX_MEGABYTES = 256;

/** `sepal serve RUN…`. */
export const addServe: AddCommand = (program, context) => {
  const command = program
    .command('serve')
    .description('a page and an HTTP API that name what is in a photo')
    .argument(
      '<runs...>',
      'run folders, .safetensors files or folders of folds, which are averaged; or an ensemble.json',
    )
    .option('--host <address>', 'address to listen on; 0.0.0.0 for every one of this machine', '127.0.0.1')
    .option('--port <n>', 'port to listen on; 0 for any free one', parsePort, DEFAULT_PORT)
    .option('--threshold <p>', 'probability below which the answer is "not sure"', parseShare, DEFAULT_THRESHOLD)
    .option('--batch-sizes <list>', 'sizes of batches, separated by commas', parseCounts, DEFAULT_BATCH_SIZES)
    .option(
      '--latency <ms>',
      'milliseconds that an image may wait and be classified, if batches can be chosen so',
      parsePositive,
      DEFAULT_LATENCY_BUDGET * 1000,
    )
    .option(
      '--rate <n>',
      'images a second from one client in the long run; 0 for no limit',
      parseRate,
      DEFAULT_LIMITS.imagesPerSecond,
    )
    .option('--max-mb <n>', 'megabytes (MiB) of one image', upTo(MAX_MEGABYTES), DEFAULT_LIMITS.imageBytes / 2 ** 20)
    .option('--max-megapixels <n>', 'megapixels of one image', upTo(MAX_PIXELS / 1e6), DEFAULT_LIMITS.pixels / 1e6)
    .option('--max-images <n>', 'images in one request', parseCount, DEFAULT_LIMITS.images)
    .option(
      '--allow-range <range>',
      'addresses that are not public but may be fetched from, such as 192.168.1.0/24; may be repeated',
      (range: string, ranges: readonly string[]) => [...ranges, range],
      [],
    )
    .option('--trust-proxy', 'the client is the last address of X-Forwarded-For')
    .option(
      '--no-calibration',
      'probabilities as the networks give them, without the temperature that validation asked for',
    )
    .option('--json', 'print the address and what is served as JSON');
  addDeviceOptions(command)
    .addHelpText(
      'after',
      '\nThe page needs nothing but this server. Ctrl-C stops it once all requests that\nit has taken are answered.' +
        '\n\nExamples:\n  sepal serve runs/first\n  sepal serve runs/first runs/second --host 0.0.0.0 --port 80\n  sepal serve ensemble.json' +
        '\n  curl -F image=@rose.jpg http://127.0.0.1:8080/api/predict',
    )
    .action(async (runs: string[], flags: ServeFlags) => {
      await serve(runs, flags, context());
    });
};

async function serve(runs: readonly string[], flags: ServeFlags, context: Context): Promise<void> {
  const { log, signal } = context;
  const backend = await openDevice(flags, context);
  try {
    const server = await startServer({
      backend,
      runs,
      version: sepalVersion(),
      host: flags.host,
      port: flags.port,
      threshold: flags.threshold,
      batchSizes: flags.batchSizes,
      latencyBudget: flags.latency / 1000,
      allowedRanges: flags.allowRange,
      trustProxy: flags.trustProxy,
      calibrated: flags.calibration,
      safeFormatsOnly: true,
      limits: {
        imagesPerSecond: flags.rate,
        burst: Math.max(DEFAULT_LIMITS.burst, 4 * flags.rate),
        imageBytes: Math.round(flags.maxMb * 2 ** 20),
        pixels: Math.round(flags.maxMegapixels * 1e6),
        images: flags.maxImages,
      },
      log,
      onCompiled: (name, size, seconds) =>
        log.info(`${name} for ${plural(size, 'image')} at a time: ${seconds.toFixed(1)} s`),
    });
    log.info(`device   ${backend.describe()}`);
    log.info(`classes  ${server.model.classes.length}`);
    log.info(`rate     up to ${server.peak.toFixed(0)} images a second`);
    console.log(flags.json === true ? JSON.stringify({ url: server.url, model: server.model }, null, 2) : server.url);
    if (!signal.aborted) await once(signal, 'abort');
    log.info('stopping …');
    await server.close();
  } finally {
    await backend.close();
  }
}

function parsePort(text: string): number {
  const port = parseNumber(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new InvalidArgumentError('expected a whole number from 0 to 65535.');
  }
  return port;
}

function parseShare(text: string): number {
  const share = parseNumber(text);
  if (share < 0 || share > 1) throw new InvalidArgumentError('expected a number from 0 to 1.');
  return share;
}

/** A number above 0 that is not greater than another one. */
function upTo(most: number): (text: string) => number {
  return (text) => {
    const value = parsePositive(text);
    if (value > most) throw new InvalidArgumentError(`expected a number above 0 and at most ${most}.`);
    return value;
  };
}

function parseRate(text: string): number {
  const rate = parseNumber(text);
  if (rate < 0) throw new InvalidArgumentError('expected a number of at least 0.');
  return rate;
}

const parseCounts = (text: string): number[] => text.split(',').map(parseCount);
