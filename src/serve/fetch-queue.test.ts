import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FetchQueue } from './fetch-queue.ts';

const LIMITS = { fetches: 3, clientFetches: 2, fetchSeconds: 5, images: 4 };

/** Work of several clients that goes on until it is let go; `started` has their names in the order of their turns. */
function workIn(queue: FetchQueue) {
  const started: string[] = [];
  const letGo: (() => void)[] = [];
  const ask = async (client: string, signal = new AbortController().signal) =>
    queue.run(
      client,
      signal,
      async () =>
        new Promise<void>((resolve) => {
          started.push(client);
          letGo.push(resolve);
        }),
    );
  /** Ends the piece of work that has gone on longest, and lets the next one start. */
  const finishOne = async () => {
    letGo.shift()?.();
    await new Promise(setImmediate);
  };
  return { started, ask, finishOne };
}

test('a client has no more than its share, and of those that wait the one with fewest comes next', async () => {
  const { started, ask, finishOne } = workIn(new FetchQueue(LIMITS));
  const all = [ask('a'), ask('a'), ask('a'), ask('a'), ask('b'), ask('b'), ask('c')];
  assert.deepEqual(started, ['a', 'a', 'b'], 'a third of the first has to wait, the other client does not');
  await finishOne();
  assert.equal(started.at(-1), 'c', 'asked last, but has none');
  for (let i = 0; i < 6; i++) await finishOne();
  await Promise.all(all);
  assert.deepEqual(started.toSorted(), ['a', 'a', 'a', 'a', 'b', 'b', 'c']);
});

test('a client may have a full request waiting, and what comes on top is refused', async () => {
  const { started, ask, finishOne } = workIn(new FetchQueue(LIMITS));
  const all = Array.from({ length: 6 }, () => ask('a'));
  await assert.rejects(ask('a'), { code: 'BUSY', retryAfter: 5 });
  const other = ask('b');
  assert.equal(started.at(-1), 'b');
  for (let i = 0; i < 7; i++) await finishOne();
  await Promise.all([...all, other]);
});

test('who waits longer than a fetch takes is refused, and whose client has gone is forgotten', async () => {
  const { started, ask, finishOne } = workIn(new FetchQueue({ ...LIMITS, fetchSeconds: 0.05 }));
  const first = [ask('a'), ask('a')];
  const client = new AbortController();
  const gone = assert.rejects(ask('a', client.signal), { name: 'AbortError' });
  const late = assert.rejects(ask('a'), { code: 'BUSY', retryAfter: 1 });
  client.abort();
  await Promise.all([gone, late]);
  await finishOne();
  assert.deepEqual(started, ['a', 'a']);
  await finishOne();
  await Promise.all(first);
  const next = ask('a');
  await finishOne();
  await next;
});
