import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { allOrNone, dispose } from './all-or-none.ts';

test('what was made beside a failure is disposed of, also what is finished after it', async () => {
  const disposed: string[] = [];
  const make = async (name: string, turns: number) => {
    for (let turn = 0; turn < turns; turn++) await setImmediate();
    return { name, dispose: () => disposed.push(name) };
  };
  const fail = async (): Promise<undefined> => {
    await setImmediate();
    throw new Error('no memory');
  };
  const [first, none] = await allOrNone([make('a', 1), Promise.resolve(undefined)] as const, dispose);
  assert.deepEqual([first.name, none, disposed], ['a', undefined, []]);
  await assert.rejects(allOrNone([make('early', 0), fail(), make('late', 5)], dispose), /no memory/);
  assert.deepEqual(disposed, ['early', 'late']);
});
