import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDuration } from './duration.ts';

test('times are read as people write them', () => {
  const times = { '2h45m': 9900, '90m': 5400, '1.5h': 5400, '45s': 45, '1d 2h': 93_600, '30': 30, ' 10M ': 600 };
  for (const [text, seconds] of Object.entries(times)) assert.equal(parseDuration(text), seconds, text);
});

test('what is no time is none', () => {
  for (const text of ['', '0', '0h', 'h', '2x', '45m2h', '-1h', 'soon', '1e3', 'Infinity']) {
    assert.equal(parseDuration(text), undefined, text);
  }
});
