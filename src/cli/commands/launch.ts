import { stringify } from 'yaml';
import { writeFile } from '../../base/index.ts';
import { tpuTarget } from '../../runtime/index.ts';
import { checkBatches, checkHosts } from '../../train/index.ts';
import type { AddCommand } from '../command.ts';
import { FlagError } from '../flag-error.ts';
import { hostsOf, jobSet } from '../launch/job-set.ts';
import { parseCount } from '../numbers.ts';
import { recipeFrom } from '../train/recipe-source.ts';

interface LaunchFlags {
  readonly target: string;
  readonly image: string;
  readonly data: string;
  readonly out?: string;
  readonly name?: string;
  readonly claim: string;
  readonly namespace: string;
  readonly restarts: number;
  readonly spot?: boolean;
  readonly file?: string;
  readonly set?: readonly string[];
  readonly json?: boolean;
}

/** `sepal launch RECIPE`. */
export const addLaunch: AddCommand = (program, context) => {
  program
    .command('launch')
    .description('write the Kubernetes JobSet that trains a recipe on a TPU node pool of GKE')
    .argument('<recipe>', 'a recipe in the image, or the name of one that comes with Sepal')
    .requiredOption('--target <name>', 'the slice, such as v5e-16')
    .requiredOption('--image <name>', 'container image with Node and Sepal')
    .requiredOption('--data <dir>', 'folder of TFRecords as the pods see it, such as /data/flowers')
    .option('--out <dir>', 'run folder as the pods see it (default: /data/runs/NAME)')
    .option('--name <name>', 'name of the job (default: the recipe’s)')
    .option('--claim <name>', 'persistent volume claim that is mounted at /data', 'sepal-data')
    .option('--namespace <name>', 'namespace of the job', 'default')
    .option('--restarts <n>', 'starts after a failed host, each from the last checkpoint', parseCount, 10)
    .option('--spot', 'on spot nodes, which may be taken away at any time')
    .option('--set <path=value...>', 'any setting of the recipe')
    .option('--file <file>', 'write it there instead of printing it')
    .option('--json', 'as JSON, which kubectl takes as well as YAML')
    .addHelpText(
      'after',
      `
Nothing is started: kubectl does that. The cluster needs JobSet; docs/tpu.md has
the commands.

Example:
  sepal launch cnn --target v5e-16 --image REGISTRY/sepal:1 --data /data/flowers | kubectl apply -f -`,
    )
    .action(async (recipeName: string, flags: LaunchFlags) => {
      requirePodPath('--data', flags.data);
      if (flags.out !== undefined) requirePodPath('--out', flags.out);
      const target = tpuTarget(flags.target);
      const { name: recipe, recipe: settings } = await recipeFrom(recipeName, { device: 'tpu', badRecords: 'fail', report: true, set: flags.set }); // prettier-ignore
      checkBatches(settings, target.devices);
      checkHosts(settings, hostsOf(target));
      const name = flags.name ?? recipe.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
      const out = flags.out ?? `/data/runs/${name}`;
      const { image, claim, namespace, restarts, data } = flags;
      const overrides = flags.set === undefined ? [] : ['--set', ...flags.set];
      const job = jobSet({
        name,
        target,
        image,
        // A pod that starts again goes on; the first one starts anew.
        args: [recipeName, '--data', data, '--out', out, '--auto-resume', ...overrides],
        claim,
        namespace,
        restarts,
        spot: flags.spot === true,
      });
      // kubectl reads YAML 1.1, where a bare `no` is false.
      const text = flags.json === true ? `${JSON.stringify(job, null, 2)}\n` : stringify(job, { compat: 'yaml-1.1' });
      if (flags.file === undefined) process.stdout.write(text);
      else {
        await writeFile(flags.file, text);
        context().log.info(`written to ${flags.file}; start it with: kubectl apply -f ${flags.file}`);
      }
    });
};

/** A relative path would be one of the image's working folder, where no volume is. */
function requirePodPath(flag: '--data' | '--out', path: string): void {
  if (path.startsWith('/') || (flag === '--data' && /^(?:gs|s3):\/\/./.test(path))) return;
  throw new FlagError('FLAG', `${flag} ${path} is no path as the pods see it`, {
    expected:
      flag === '--data'
        ? 'an absolute path such as /data/flowers, gs://BUCKET/FOLDER or s3://BUCKET/FOLDER'
        : 'an absolute path such as /data/runs/flowers',
    hint: 'the volume of --claim is mounted at /data',
  });
}
