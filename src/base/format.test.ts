import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SepalError } from './errors.ts';
import { formatTable, printable } from './format.ts';

/** A class name that renames the window and clears the screen. */
const NAME = '\u001b]0;owned\u0007\u001b[2Jrose';
const SHOWN = String.raw`\x1b]0;owned\x07\x1b[2Jrose`;

test('what would control a terminal is shown as text', () => {
  assert.equal(printable(NAME), SHOWN);
  assert.equal(printable('Öland\tcock’s comb\n'), 'Öland\tcock’s comb\n');
});

test('tables and errors with names from files leave a terminal as it is', () => {
  assert.equal(
    formatTable([
      [NAME, '1 %'],
      ['daisy', '2 %'],
    ]),
    `${SHOWN}  1 %\n${'daisy'.padEnd(SHOWN.length)}  2 %`,
  );
  const error = new SepalError('CODE', `no ${NAME}`, { received: NAME, hint: 'look' });
  assert.equal(error.toUserString(), `no ${SHOWN}; received ${SHOWN}\n  hint: look`);
});
