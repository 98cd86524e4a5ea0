import { Option } from 'commander';
import { readKaggleToken, submitToKaggle, type KaggleToken } from '../../assets/index.ts';
import { SPLITS } from '../../data/index.ts';
import { ensembleOf, TTA } from '../../train/index.ts';
import { badRecordsFlag } from '../bad-records-flag.ts';
import type { AddCommand, Context } from '../command.ts';
import { addDeviceOptions, openDevice, USUAL_BATCH, type DeviceFlags } from '../device-flags.ts';
import { makeSubmission, type Submission, type SubmissionOptions } from '../ensemble/make-submission.ts';
import { addFeatureFlags } from '../feature-flags.ts';
import { parseCount } from '../numbers.ts';

interface Flags extends DeviceFlags, SubmissionOptions {
  readonly competition?: string;
  readonly message?: string;
  readonly kaggleApi?: string;
  readonly json?: boolean;
}

/** `sepal submit RUN|ENSEMBLE`. */
export const addSubmit: AddCommand = (program, context) => {
  const command = program
    .command('submit')
    .description('predict the test split into submission.csv (id,label), and hand it in at Kaggle if asked to')
    .argument('<run>', 'run folder, checkpoint, folder of folds, or an ensemble that sepal ensemble wrote')
    .requiredOption('--data <dir>', 'folder of TFRecords')
    .addOption(new Option('--split <name>', 'which part of the data').choices(SPLITS).default('test'))
    .option('--out <file>', 'the CSV file', 'submission.csv')
    .addOption(
      new Option('--tta <views>', "views of each picture that are averaged (default: the ensemble's, or none)").choices(
        TTA,
      ),
    )
    .option('--batch-size <n>', 'images a step, over all replicas (default: as in training)', parseCount)
    .option(
      '--competition <name>',
      'hand the file in at Kaggle, by a token in ~/.kaggle/kaggle.json or KAGGLE_USERNAME and KAGGLE_KEY',
    )
    .option('--message <text>', 'what Kaggle shows beside the submission')
    .option('--json', 'print JSON')
    .addOption(new Option('--kaggle-api <url>').hideHelp())
    .addOption(badRecordsFlag());
  addFeatureFlags(command);
  addDeviceOptions(command)
    .addHelpText(
      'after',
      '\nExamples:\n  sepal submit runs/first --data flowers\n' +
        '  sepal submit ensemble.json --data petals --competition tpu-getting-started --message "three networks"',
    )
    .action(async (run: string, flags: Flags) => {
      await submit(run, flags, context());
    });
};

async function submit(run: string, flags: Flags, context: Context): Promise<void> {
  const { out, competition, split } = flags;
  // Before any work: a missing token would be found out after all of it.
  const token = competition === undefined ? undefined : await readKaggleToken();
  const ensemble = await ensembleOf([run]);
  const backend = await openDevice(flags, context, { predicts: flags.batchSize ?? USUAL_BATCH });
  let made: Submission;
  try {
    made = await makeSubmission(backend, ensemble, flags, context);
  } finally {
    await backend.close();
  }
  const { csv, predictions } = made;
  const kaggle = token === undefined ? undefined : await upload(csv, token, run, flags, context);
  if (flags.json === true) console.log(JSON.stringify({ file: out, split, predictions, kaggle }, null, 2));
}

/** Hands the file in; gives what Kaggle answers. */
async function upload(csv: string, token: KaggleToken, run: string, flags: Flags, context: Context): Promise<string> {
  const { competition = '', message = `Sepal: ${run}`, kaggleApi: api, out } = flags;
  const { signal, log } = context;
  const answer = await submitToKaggle({ competition, file: out, content: csv, message, token, api, signal });
  log.info(`Kaggle (${competition}): ${answer}`);
  return answer;
}
