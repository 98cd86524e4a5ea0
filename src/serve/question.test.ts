import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseQuestion } from './question.ts';

test('maps are wanted by the name alone, by true and by 1', () => {
  for (const explain of ['', 'true', '1']) assert.equal(parseQuestion({ explain }).explain, true, explain);
  for (const explain of ['false', '0']) assert.equal(parseQuestion({ explain }).explain, false, explain);
  assert.deepEqual(parseQuestion({}), { top: 5, explain: false });
});

test('what a parameter can’t be is told with what it can', () => {
  assert.throws(() => parseQuestion({ explain: 'TRUE' }), {
    code: 'BAD_REQUEST',
    message: 'the query: explain can\'t be "TRUE"',
    expected: 'one of 0, 1, true, false',
    hint: 'did you mean "true"?',
  });
  assert.throws(() => parseQuestion({ top: '0' }), { code: 'BAD_REQUEST', expected: 'at least 1' });
});
