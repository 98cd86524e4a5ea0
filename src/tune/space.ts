import { Random, type SettingPlace } from '../base/index.ts';
import { checkBatches, parseRecipe, RecipeError, setRecipeSetting, type Recipe } from '../train/index.ts';
import { TuneError } from './errors.ts';
import { countOf, parseRange, valueAt, type Range } from './range.ts';

/** Values of settings by their paths: what makes one trial differ from another. */
export type Values = Readonly<Record<string, unknown>>;

/** How many combinations are tried out before a search; each is a recipe that is read, nothing more. */
const REHEARSALS = 200;

/** Settings that all trials share. */
const FIXED = /^(monitor|tune)(\.|$)/;

/** A recipe with ranges in place of some of its settings. */
export class Space {
  readonly #settings: Readonly<Record<string, unknown>>;
  readonly ranges: ReadonlyMap<string, Range>;

  /**
   * `settings` are those of the recipe as they are written, without what is searched, and `origin` is where they stand.
   *
   * @throws TuneError or RecipeError for a range that is none, and for one of a setting that there is not or that doesn't take it;
   * for what is wrong with the recipe whatever is searched, with its place.
   */
  constructor(
    settings: Readonly<Record<string, unknown>>,
    ranges: Readonly<Record<string, unknown>>,
    origin: SettingPlace = 'recipe',
  ) {
    this.#settings = settings;
    const parsed = Object.entries(ranges).map(
      ([path, range]) => [path, parseRange(range, `the range of ${path}`)] as const,
    );
    if (parsed.length === 0) {
      throw new TuneError('NO_RANGES', 'there is nothing to search', {
        hint: 'add --range schedule.rate=1e-4..1e-2:log, or a tune section with ranges to the recipe',
      });
    }
    this.ranges = new Map(parsed);
    for (const path of parsed.map(([name]) => name)) {
      if (FIXED.test(path)) throw new TuneError('RANGE', `${path} can't be searched: trials are compared by it`);
    }
    this.#rehearse(origin);
  }

  /** How many combinations there are. */
  get size(): number {
    return [...this.ranges.values()].reduce((product, range) => product * countOf(range), 1);
  }

  /** The settings of the recipe with the values in their places. */
  settingsOf(values: Values): Record<string, unknown> {
    const settings = structuredClone(this.#settings) as Record<string, unknown>;
    for (const [path, value] of Object.entries(values)) setRecipeSetting(settings, path, structuredClone(value));
    return settings;
  }

  /** The recipe of a trial. @throws RecipeError where the values don't go together. */
  recipeOf(values: Values, origin: SettingPlace = describeValues(values)): Recipe {
    return parseRecipe(this.settingsOf(values), origin);
  }

  /** One of the recipes that may be drawn. */
  example(): Recipe {
    return this.recipeOf(this.#samples(1)[0]);
  }

  /** @throws UsageError where a batch doesn't divide over the replicas, their parts and the pairs that are mixed. */
  checkBatches(replicas: number): void {
    for (const values of this.#samples(REHEARSALS)) checkBatches(this.recipeOf(values), replicas);
  }

  /** What would fail in the middle of a search fails before it. */
  #rehearse(origin: SettingPlace): void {
    // Each range by itself, so that it is named; where the recipe lacks what another one gives, together with the others.
    const start = this.#isWhole(origin) ? {} : this.#samples(1)[0];
    for (const [path, range] of this.ranges) {
      const places =
        range.kind === 'choices'
          ? range.choices.map((_, i) => (i + 0.5) / range.choices.length)
          : [0, 0.9999999, 0.6180339];
      for (const place of places) {
        const value = valueAt(range, place);
        try {
          this.recipeOf({ ...start, [path]: value }, `the range of ${path}`);
        } catch (error) {
          const needsInt = range.kind === 'interval' && !range.int && !Number.isInteger(value) && Number.isInteger(range.low) && Number.isInteger(range.high); // prettier-ignore
          throw needsInt && error instanceof RecipeError && error.hint === undefined ? withHint(error) : error;
        }
      }
    }
    for (const values of this.#samples(REHEARSALS)) this.recipeOf(values);
  }

  /** Whether the recipe needs no values to be one. @throws RecipeError for what values don't change. */
  #isWhole(origin: SettingPlace): boolean {
    const problem = this.#problemOf({}, origin);
    if (problem === undefined) return true;
    const [values] = this.#samples(1);
    if (this.#problemOf(values, origin)?.message === problem.message) throw problem;
    return false;
  }

  #problemOf(values: Values, origin: SettingPlace): Error | undefined {
    try {
      this.recipeOf(values, origin);
      return undefined;
    } catch (error) {
      return error as Error;
    }
  }

  #samples(count: number): Values[] {
    return Array.from({ length: count }, (_, n) => {
      const random = new Random(n, 'rehearsal');
      return Object.fromEntries([...this.ranges].map(([path, range]) => [path, valueAt(range, random.uniform())]));
    });
  }
}

const withHint = ({ code, message, expected, received, cause }: RecipeError): RecipeError =>
  new RecipeError(code, message, { expected, received, hint: 'add :int for whole numbers', cause });

/** `schedule.rate=0.002 optimizer.name=adamw`. */
export function describeValues(values: Values): string {
  return Object.entries(values)
    .map(([path, value]) => `${path}=${valueText(value)}`)
    .join(' ');
}

/** A value in a word: a list or settings as JSON without quotes. */
export function valueText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value).replaceAll('"', '');
}
