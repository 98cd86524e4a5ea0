import { didYouMean, SepalError, UsageError } from '../src/base/index.ts';
import { benchAugment } from './augment.ts';
import { benchBucket } from './bucket.ts';
import { benchInput } from './input.ts';
import { benchFinetune, benchFrozen } from './runs.ts';
import { setup } from './setup.ts';
import { benchStartup } from './startup.ts';
import { benchSteps } from './step.ts';
import { benchTpu } from './tpu.ts';

/** What `npm run bench -- NAME` can run. */
const CASES: Readonly<Record<string, (args: readonly string[]) => Promise<void>>> = {
  setup,
  input: benchInput,
  bucket: benchBucket,
  augment: benchAugment,
  train: (args) => benchSteps('train', args),
  inference: (args) => benchSteps('inference', args),
  startup: benchStartup,
  frozen: benchFrozen,
  finetune: benchFinetune,
  tpu: benchTpu,
};

try {
  const [name = '', ...args] = process.argv.slice(2);
  if (!Object.hasOwn(CASES, name)) {
    throw new UsageError('UNKNOWN_BENCH', name === '' ? 'which benchmark?' : `no benchmark "${name}"`, {
      hint: didYouMean(name, Object.keys(CASES)),
    });
  }
  await CASES[name](args);
} catch (error) {
  console.error(`error: ${error instanceof SepalError ? error.toUserString() : String(error)}`);
  process.exitCode = 1;
}
