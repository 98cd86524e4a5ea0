import { parse } from 'yaml';
import { TuneError } from './errors.ts';

/** Some values of a setting, whatever they are. */
export interface Choices {
  readonly kind: 'choices';
  readonly choices: readonly unknown[];
}

/** All numbers from one to another, both ends among them. */
export interface Interval {
  readonly kind: 'interval';
  readonly low: number;
  readonly high: number;
  /** Each factor is as likely as any other, not each difference. */
  readonly log: boolean;
  /** Whole numbers only. */
  readonly int: boolean;
  /** Only the numbers that lie so far apart, from the lowest one on. */
  readonly step?: number;
}

/** What a setting's value may be. */
export type Range = Choices | Interval;

const EXPECTED = 'LOW..HIGH with :log, :int or :step=N behind it, or values separated by commas';
const INTERVAL = /^([^,:]+?)\.\.([^,:]+)((?::[^,:]+)*)$/;

/**
 * The range that a text such as `1e-4..1e-2:log`, `16..64:step=16` or `sgd,adamw` says, or a list of values.
 *
 * `place` is where it stands, for errors. @throws TuneError `RANGE`.
 */
export function parseRange(value: unknown, place: string): Range {
  if (Array.isArray(value)) return choicesOf(value, place);
  if (typeof value !== 'string') {
    throw new TuneError('RANGE', `${place} is no range`, { expected: EXPECTED, received: JSON.stringify(value) });
  }
  const text = value.trim();
  const found = INTERVAL.exec(text);
  if (found !== null) return intervalOf(found, place, text);
  let list: unknown;
  try {
    list = parse(`[${text}]`);
  } catch (cause) {
    throw new TuneError('RANGE', `${place} is no range`, { expected: EXPECTED, received: text, cause });
  }
  return choicesOf(list as unknown[], place);
}

function choicesOf(choices: readonly unknown[], place: string): Choices {
  if (choices.length < 2) {
    throw new TuneError('RANGE', `${place} leaves nothing to choose`, {
      expected: EXPECTED,
      received: choices.map((choice) => JSON.stringify(choice)).join(', ') || 'nothing',
      hint: 'a single value goes into the recipe, or into --set',
    });
  }
  return { kind: 'choices', choices };
}

function intervalOf([, from, to, words]: readonly string[], place: string, text: string): Interval {
  const refuse = (expected: string) => new TuneError('RANGE', `${place} is no range`, { expected, received: text });
  const [low, high] = [Number(from), Number(to)];
  if (!Number.isFinite(low) || !Number.isFinite(high) || from.trim() === '' || to.trim() === '') throw refuse(EXPECTED);
  if (low >= high) throw refuse('the lower end first');
  let [log, int] = [false, false];
  let step: number | undefined;
  for (const word of words.split(':').slice(1)) {
    const stepText = /^step=(.+)$/.exec(word)?.[1];
    if (word === 'log') log = true;
    else if (word === 'int') int = true;
    else if (stepText !== undefined) step = Number(stepText);
    else throw refuse(EXPECTED);
  }
  if (log && low <= 0) throw refuse('ends above 0 for :log');
  if (int && !(Number.isInteger(low) && Number.isInteger(high) && Number.isInteger(step ?? 1))) {
    throw refuse('whole numbers for :int');
  }
  if (step === undefined) return { kind: 'interval', low, high, log, int };
  if (log) throw refuse('either :log or :step');
  if (!(step > 0 && step <= high - low)) throw refuse('a step between 0 and the width of the range');
  return { kind: 'interval', low, high, log, int, step };
}

/** How many values a range has; `Infinity` where they are all numbers between two. */
export function countOf(range: Range): number {
  if (range.kind === 'choices') return range.choices.length;
  const { low, high, int, step } = range;
  if (step !== undefined) return stepsOf(low, high, step);
  return int ? high - low + 1 : Infinity;
}

/** The value at a place of a range, from 0 to 1 (which is left out); equal stretches are equally likely. */
export function valueAt(range: Range, place: number): unknown {
  if (range.kind === 'choices') return range.choices[Math.floor(place * range.choices.length)];
  const { low, high, log, int, step } = range;
  if (step !== undefined) return tidy(low + step * Math.floor(place * stepsOf(low, high, step)), step);
  // Whole numbers at the ends are as likely as those between them.
  const [from, to] = int ? [low - 0.5, high + 0.5] : [low, high];
  const exact = log ? from * (to / from) ** place : from + (to - from) * place;
  const value = int ? Math.round(exact) : tidy(exact, log ? Math.min(exact, high - low) : high - low);
  return Math.min(high, Math.max(low, value));
}

/** Where a value lies in an interval, from 0 to 1. */
export function placeOf({ low, high, log, int, step }: Interval, value: number): number {
  if (step !== undefined) return (Math.round((value - low) / step) + 0.5) / stepsOf(low, high, step);
  const [from, to] = int ? [low - 0.5, high + 0.5] : [low, high];
  return log ? Math.log(value / from) / Math.log(to / from) : (value - from) / (to - from);
}

const stepsOf = (low: number, high: number, step: number): number => Math.floor((high - low) / step + 1e-9) + 1;

/** A number with no more digits than tell values of a range of this width apart: people read and type them. */
function tidy(value: number, width: number): number {
  const digits = 3 - Math.floor(Math.log10(width));
  return Number(value.toFixed(Math.min(20, Math.max(0, digits))));
}
