import { z } from 'zod';
import type { ErrorDetails } from './errors.ts';
import { didYouMean, nearest } from './nearest.ts';

/** Where settings stand, such as a file's name; as a function also where in it, by the setting's path. */
export type SettingPlace = string | ((path: readonly PropertyKey[]) => string);

/** What is wrong with settings, for an error's message and details. */
export interface SettingProblem {
  readonly message: string;
  readonly details: ErrorDetails;
}

/**
 * Says in one line what is wrong with settings that a schema refused: the first misspelt name, or else the first value.
 */
export function settingProblem(
  schema: z.ZodType,
  value: unknown,
  error: z.ZodError,
  place: SettingPlace,
): SettingProblem {
  // A misspelt name also leaves the setting that was meant without a value.
  const issue = error.issues.find(({ code }) => code === 'unrecognized_keys') ?? error.issues[0];
  const subjectAt = (path: readonly PropertyKey[]) =>
    [typeof place === 'string' ? place : place(path), ...(issue.path.length === 0 ? [] : [issue.path.join('.')])].join(
      ': ',
    );
  if (issue.code === 'unrecognized_keys') {
    const [name] = issue.keys;
    const hint = didYouMean(name, namesAt(schema, value, issue.path));
    return { message: `${subjectAt([...issue.path, name])}: there is no setting "${name}"`, details: { hint } };
  }
  const given = issue.path.reduce(childOf, value);
  const choices = choicesOf(issue);
  const near = typeof given === 'string' ? nearest(given, choices ?? []) : [];
  const details = {
    expected: choices === undefined ? expectedBy(issue) : `one of ${choices.join(', ')}`,
    hint: near.length > 0 ? didYouMean(String(given), near) : undefined,
  };
  const subject = subjectAt(issue.path);
  const message = given === undefined ? `${subject} is missing` : `${subject} can't be ${shown(given)}`;
  return { message, details };
}

type Issue = z.core.$ZodIssue;

const isObject = (value: unknown): value is Record<PropertyKey, unknown> => typeof value === 'object' && value !== null;
const childOf = (parent: unknown, name: PropertyKey): unknown => (isObject(parent) ? parent[name] : undefined);

function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

function choicesOf(issue: Issue): string[] | undefined {
  if (issue.code === 'invalid_value') return issue.values.map(String);
  if (issue.code === 'invalid_union' && 'options' in issue && Array.isArray(issue.options)) {
    return issue.options.map(String);
  }
  return undefined;
}

const TYPES: Readonly<Record<string, string>> = {
  number: 'a number',
  int: 'a whole number',
  string: 'text',
  boolean: 'true or false',
  object: 'settings, each with a name',
  record: 'settings, each with a name',
  array: 'a list',
  tuple: 'a list',
};

function expectedBy(issue: Issue): string {
  if (issue.code === 'invalid_type') return TYPES[issue.expected] ?? issue.expected;
  if (issue.code === 'too_small') {
    return bound(issue.origin, issue.inclusive === false ? 'more than' : 'at least', issue.minimum);
  }
  if (issue.code === 'too_big') {
    return bound(issue.origin, issue.inclusive === false ? 'less than' : 'at most', issue.maximum);
  }
  return issue.message;
}

const bound = (origin: string, words: string, limit: number | bigint): string =>
  origin === 'array' ? `a list of ${words} ${limit}` : `${words} ${limit}`;

/** Names of the settings at a path of a schema. */
function namesAt(schema: z.ZodType, value: unknown, path: readonly PropertyKey[]): string[] {
  let at: unknown = variantOf(schema, value);
  let given = value;
  for (const name of path) {
    given = childOf(given, name);
    at = variantOf(innerOf(at, name), given);
  }
  return at instanceof z.ZodObject ? Object.keys(at.shape) : [];
}

/** The schema of what stands under a name in settings, or at a place of a list. */
function innerOf(schema: unknown, name: PropertyKey): unknown {
  if (schema instanceof z.ZodObject) return schema.shape[String(name)];
  return schema instanceof z.ZodArray ? schema.element : undefined;
}

/** The schema without defaults around it; of several variants the one that the value names. */
function variantOf(schema: unknown, value: unknown): unknown {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional) {
    return variantOf(schema.unwrap(), value);
  }
  if (!(schema instanceof z.ZodDiscriminatedUnion)) return schema;
  const key = schema.def.discriminator;
  return schema.options.find((option) => {
    return option instanceof z.ZodObject && option.shape[key]?.safeParse(childOf(value, key)).success === true;
  });
}
