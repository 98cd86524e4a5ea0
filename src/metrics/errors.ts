import { SepalError } from '../base/index.ts';

/** Counts, labels or probabilities that can't be measured, such as a label out of range. */
export class MetricsError extends SepalError {}

/** Throws unless `classCount` is a whole number of at least 1. */
export function checkClassCount(classCount: number): void {
  if (!Number.isInteger(classCount) || classCount < 1) {
    throw new MetricsError('CLASS_COUNT', 'no such number of classes', {
      expected: 'a whole number of at least 1',
      received: String(classCount),
    });
  }
}

/** Throws unless `index` names one of the classes; `what` says which index it is. */
export function checkClass(index: number, classCount: number, what: string): void {
  if (!Number.isInteger(index) || index < 0 || index >= classCount) {
    throw new MetricsError('CLASS_RANGE', `${what} is out of range`, {
      expected: `a class index from 0 to ${classCount - 1}`,
      received: String(index),
    });
  }
}
