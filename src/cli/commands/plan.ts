import { InvalidArgumentError, Option } from 'commander';
import { cacheFolder } from '../../assets/index.ts';
import { formatSeconds } from '../../base/index.ts';
import { decodeRate } from '../../data/index.ts';
import {
  planJson,
  planRecipe,
  planTable,
  PROGRAM_NAMES,
  type Plan,
  type PlanCosts,
  type ProgramName,
} from '../../plan/index.ts';
import { TPU_TARGETS, tpuTarget } from '../../runtime/index.ts';
import { PRECISIONS, REMATS, type Precision, type Recipe, type Remat } from '../../train/index.ts';
import type { AddCommand, Context } from '../command.ts';
import { FlagError } from '../flag-error.ts';
import { addFeatureFlags, featureNames, type FeatureFlags } from '../feature-flags.ts';
import { parseCount } from '../numbers.ts';
import { openSplit } from '../open-split.ts';
import { recipeFrom } from '../train/recipe-source.ts';
import { wrapText } from '../wrap-text.ts';

interface PlanFlags extends FeatureFlags {
  readonly target: readonly string[];
  readonly data?: string;
  readonly examples?: number;
  readonly validationExamples?: number;
  readonly classes?: number;
  readonly model?: string;
  readonly size?: number;
  readonly epochs?: number;
  readonly batchSize?: number;
  readonly perReplica?: number;
  readonly precision?: Precision;
  readonly remat?: Remat;
  readonly set?: readonly string[];
  readonly programs?: readonly ProgramName[];
  readonly search?: boolean;
  readonly cache: boolean;
  readonly json?: boolean;
}

/** Classes where neither data nor a flag says how many: those of "Petals to the Metal". */
const DEFAULT_CLASSES = 104;
/** Training examples where neither data nor a flag says how many: those of "Petals to the Metal" in all its splits. */
const DEFAULT_EXAMPLES = 16_465;

/** `sepal plan RECIPE`. */
export const addPlan: AddCommand = (program, context) => {
  const command = program
    .command('plan')
    .description('compile a recipe for a TPU without one: does it fit, how long does it take, what takes it')
    .argument('[recipes...]', 'recipe files, or names of some that come with Sepal (default: cnn)')
    .option('--target <name...>', 'TPUs to plan for, such as v3-8 v5e-16', ['v3-8'])
    .option('--data <dir>', 'folder of TFRecords, for the number of examples and classes')
    .option('--examples <n>', `training images (default: the data's, or ${DEFAULT_EXAMPLES})`, parseCount)
    .option('--validation-examples <n>', 'validation images (default: the data’s, or none)', parseCount)
    .option('--classes <n>', `number of classes (default: the data's, or ${DEFAULT_CLASSES})`, parseCount)
    .option('--model <name>', 'architecture (sepal models lists them)')
    .option('--size <px>', 'height and width of the images', parseCount)
    .option('--epochs <n>', 'passes over the training images', parseCount)
    .option('--batch-size <n>', 'images a step, over all replicas', parseCount)
    .option('--per-replica <n>', 'images a step and replica, in place of --batch-size', parseCount)
    .addOption(new Option('--precision <policy>', 'what layers compute in').choices(PRECISIONS))
    .addOption(
      new Option('--remat <what>', 'compute again for the gradient, in place of keeping it in memory').choices(REMATS),
    )
    .option('--set <path=value...>', 'any setting of the recipe, such as optimizer.name=adam')
    .option('--programs <names>', 'programs to compile besides train: evaluate,augment', parsePrograms)
    .option('--search', 'find the largest batch that fits by compiling: minutes for each try')
    .option('--no-cache', 'compile again what an earlier plan has compiled')
    .option('--json', 'print JSON');
  addFeatureFlags(command)
    .addHelpText(
      'after',
      `
It needs libtpu (sepal plugin install tpu) and no TPU. Compiling takes half a
minute for a ResNet50, and many minutes for the largest models. Nothing is run:
times are the compiler's estimates. "At best" assumes that all work overlaps,
"as scheduled" adds up the compiler's schedule.

Targets, and the sizes between them:
${wrapText(smallestAndLargest(), '  ')}

Examples:
  sepal plan tf-flowers-cnn --data tf_flowers --target v3-8
  sepal plan --model densenet201 --size 512 --batch-size 128 --set optimizer.name=adam --epochs 20 --target v3-8 v5e-8
  sepal plan petals-densenet201 petals-efficientnet-b7 --target v3-8
  sepal plan --model resnet50 --size 192 --per-replica 16 --target v5e-8 v5e-32 v5e-256 --programs train`,
    )
    .action(async (recipes: readonly string[], flags: PlanFlags) => {
      await planAll(recipes.length === 0 ? ['cnn'] : recipes, flags, context());
    });
};

/** Each kind of TPU with its smallest and its largest size: `v3-8 … v3-256`. */
function smallestAndLargest(): string {
  const kinds = Map.groupBy(TPU_TARGETS, (name) => name.split('-')[0]);
  return [...kinds.values()].map((names) => `${names[0]} … ${names[names.length - 1]}`).join(', ');
}

function parsePrograms(text: string): ProgramName[] {
  return text.split(',').map((name) => {
    const known = PROGRAM_NAMES.find((each) => each === name);
    if (known === undefined) throw new InvalidArgumentError(`expected some of ${PROGRAM_NAMES.join(',')}.`);
    return known;
  });
}

/** A recipe with what it takes on each target. */
interface PlannedRecipe {
  readonly name: string;
  readonly recipe: Recipe;
  readonly data: Awaited<ReturnType<typeof countData>>;
  readonly plans: readonly Plan[];
}

async function planAll(names: readonly string[], flags: PlanFlags, context: Context): Promise<void> {
  for (const name of flags.target) tpuTarget(name);
  const settings = { ...flags, device: 'auto', badRecords: 'skip', report: false } as const;
  // All are read before anything is compiled, which takes minutes.
  const recipes = [];
  for (const name of names) recipes.push(await recipeFrom(name, settings));
  const planned: PlannedRecipe[] = [];
  for (const { name, recipe } of recipes) {
    const data = await countData(flags, recipe.size, context);
    planned.push({ name, recipe, data, plans: await plansOf(name, recipe, data, flags, context) });
  }
  if (flags.json === true) {
    const rows = planned.flatMap(({ name, plans }) => plans.map((plan) => ({ recipe: name, ...planJson(plan) })));
    console.log(JSON.stringify(rows, null, 2));
    return;
  }
  console.log(planned.map((each) => `${heading(each)}\n\n${planTable(each.plans)}`).join('\n\n'));
  if (planned.length > 1) console.log(`\n${sums(planned, flags.target).join('\n')}`);
}

async function plansOf(
  name: string,
  recipe: Recipe,
  data: PlannedRecipe['data'],
  flags: PlanFlags,
  { log, signal }: Context,
): Promise<Plan[]> {
  const rate = await decodeRate(recipe.size);
  const plans: Plan[] = [];
  for (const target of flags.target) {
    const started = performance.now();
    plans.push(
      await planRecipe({
        recipe,
        ...data,
        target,
        perReplica: flags.perReplica,
        programs: flags.programs,
        search: flags.search,
        decodeRate: rate,
        cache: flags.cache ? cacheFolder('plans') : undefined,
        onCompile: (program) => {
          signal.throwIfAborted();
          const seconds = Math.round((performance.now() - started) / 1000);
          log.info(`${name} on ${target}: compiling ${program} (${seconds} s so far)`);
        },
      }),
    );
  }
  return plans;
}

function heading({ name, recipe, data }: PlannedRecipe): string {
  const { examples, validationExamples, classes } = data;
  const validation = validationExamples > 0 ? ` and ${validationExamples} for validation` : '';
  return (
    `${name}: ${recipe.model.name}, ${recipe.size} px, ${classes} classes, ${recipe.optimizer.name}, ` +
    `${recipe.epochs} epochs of ${examples} images${validation}`
  );
}

/** Times of all recipes, one after the other. */
function sums(planned: readonly PlannedRecipe[], targets: readonly string[]): string[] {
  return targets.map((target, i) => {
    const costs = planned.map(({ plans }) => plans[i].costs);
    const sum = (seconds: (each: PlanCosts) => number) =>
      formatSeconds(costs.reduce((total, each) => total + (each === undefined ? NaN : seconds(each)), 0));
    const all = `${target}: all ${planned.length} recipes one after the other`;
    if (costs.includes(undefined)) return `${all}: not all of them fit`;
    return `${all}: ${sum((each) => each.totalSeconds)} at best, ${sum((each) => each.scheduledTotalSeconds)} as scheduled`;
  });
}

async function countData(flags: PlanFlags, size: number, context: Context) {
  const given = {
    examples: flags.examples ?? DEFAULT_EXAMPLES,
    validationExamples: flags.validationExamples ?? 0,
    classes: flags.classes ?? DEFAULT_CLASSES,
  };
  if (flags.data === undefined) return given;
  if (flags.classes !== undefined) {
    throw new FlagError('CLASSES', 'the number of classes is the data’s', { hint: 'leave out --classes or --data' });
  }
  // Only counted: nothing is decoded.
  const options = { size, classNames: flags.classNames, features: featureNames(flags), labelsRequired: true, cacheBudgetBytes: 0 }; // prettier-ignore
  const train = await openSplit(flags.data, { ...options, split: 'train' }, context);
  const validation = await openSplit(flags.data, { ...options, split: 'val' }, context);
  const counted = {
    examples: flags.examples ?? train.count,
    validationExamples: flags.validationExamples ?? validation.count,
    classes: train.classNames.length,
  };
  await train.close();
  await validation.close();
  return counted;
}
