import { InvalidArgumentError } from 'commander';
import { parseDuration } from '../base/index.ts';

/** A flag's value as a number. */
export function parseNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError(`expected a number.`);
  return value;
}

/** A flag's value as a whole number of at least 1. */
export function parseCount(text: string): number {
  const value = parseNumber(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('expected a whole number of at least 1.');
  return value;
}

/** A flag's value as a whole number of at least 0. */
export function parseNatural(text: string): number {
  const value = parseNumber(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError('expected a whole number of at least 0.');
  return value;
}

/** A flag's value as seconds. */
export function parseSeconds(text: string): number {
  const seconds = parseDuration(text);
  if (seconds === undefined) throw new InvalidArgumentError('expected a time such as 2h45m, 90m or 45s.');
  return seconds;
}

/** A flag's value as a number above 0. */
export function parsePositive(text: string): number {
  const value = parseNumber(text);
  if (value <= 0) throw new InvalidArgumentError('expected a number above 0.');
  return value;
}

/** A flag's value as a number of folds. */
export function parseFolds(text: string): number {
  const value = parseCount(text);
  if (value < 2 || value > 100) throw new InvalidArgumentError('expected a whole number from 2 to 100.');
  return value;
}

/** A flag's value as a seed. */
export function parseSeed(text: string): number {
  const value = parseNumber(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('expected a whole number from 0.');
  return value;
}
