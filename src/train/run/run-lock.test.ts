import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, utimesSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { LOCK_FILE, RECIPE_FILE } from './run-files.ts';
import { withoutRoot } from '../../../test/without-root.ts';
import { RunLock } from './run-lock.ts';

/** So that a test needn't wait for half a minute. */
const QUICK = { beat: 40 };

suite('the lock of a run folder', () => {
  let folder: string;
  const lockOf = (out: string) => join(folder, out, LOCK_FILE);
  const leave = async (out: string, text: string, age = 0) => {
    await mkdir(join(folder, out), { recursive: true });
    await writeFile(lockOf(out), text);
    const then = new Date(Date.now() - age);
    await utimes(lockOf(out), then, then);
  };
  const owner = (given: Record<string, unknown>) => JSON.stringify({ host: hostname(), pid: process.pid, since: '2030-01-01 00:00', ...given }); // prettier-ignore

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sepal-lock-'));
  });
  after(async () => rm(folder, { recursive: true, force: true }));

  test('is had by one at a time', async () => {
    const out = join(folder, 'run');
    const lock = await RunLock.take(out);
    await assert.rejects(RunLock.take(out), { code: 'RUN_BUSY', message: new RegExp(`by process ${process.pid} on `) });
    await lock.release();
    await (await RunLock.take(out)).release();
    assert.deepEqual(await readdir(out), []);
  });

  test('goes with the folder where a failed start has made it and nothing came of it', async () => {
    const out = join(folder, 'made', 'runs', 'failed');
    const failed = await RunLock.take(out);
    await writeFile(join(out, RECIPE_FILE), 'epochs: 1');
    await failed.releaseAfterFailure();
    assert.ok(!existsSync(join(folder, 'made')));

    const trained = await RunLock.take(out);
    for (const name of [RECIPE_FILE, 'history.jsonl']) await writeFile(join(out, name), '');
    await trained.releaseAfterFailure();
    assert.deepEqual((await readdir(out)).toSorted(), ['history.jsonl', RECIPE_FILE]);

    await mkdir(join(folder, 'there'));
    await (await RunLock.take(join(folder, 'there', 'failed'))).releaseAfterFailure();
    assert.deepEqual(await readdir(join(folder, 'there')), []);

    await mkdir(join(folder, 'own'));
    await (await RunLock.take(join(folder, 'own'))).releaseAfterFailure();
    assert.deepEqual(await readdir(join(folder, 'own')), []);
  });

  test('of a process that was killed is taken over at once', async () => {
    const script = `import { RunLock } from ${JSON.stringify(join(import.meta.dirname, 'run-lock.ts'))};
      await RunLock.take(process.argv[1]); console.log('taken'); setInterval(() => {}, 1000);`;
    const out = join(folder, 'killed');
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script, out], { stdio: ['ignore', 'pipe', 'inherit'] }); // prettier-ignore
    await once(child.stdout, 'data');
    await assert.rejects(RunLock.take(out), { code: 'RUN_BUSY', message: new RegExp(`by process ${child.pid} on `) });
    child.kill('SIGKILL');
    await once(child, 'close');
    await (await RunLock.take(out)).release();
  });

  test('is seen whole or not at all', async () => {
    const out = join(folder, 'whole');
    const seen: string[] = [];
    const ended = new AbortController();
    const watching = (async () => {
      while (!ended.signal.aborted) {
        const text = await readFile(lockOf('whole'), 'utf8').catch(() => undefined);
        if (text !== undefined) seen.push(text);
      }
    })();
    for (let i = 0; i < 300; i++) await (await RunLock.take(out)).release();
    ended.abort();
    await watching;
    assert.ok(seen.length > 0);
    for (const text of seen) assert.equal((JSON.parse(text) as { pid: number }).pid, process.pid);
  });

  test('of another machine is taken over when it has been silent for long', async () => {
    await leave('far', owner({ host: 'elsewhere' }));
    await assert.rejects(RunLock.take(join(folder, 'far')), { code: 'RUN_BUSY', message: /on elsewhere, since 2030/ });
    await leave('far', owner({ host: 'elsewhere' }), 100_000);
    await (await RunLock.take(join(folder, 'far'), QUICK)).release();
  });

  for (const [name, offset] of [
    ['behind', -3_600_000],
    ['ahead', 3_600_000],
  ] as const) {
    test(`of another machine whose clock is ${name} is respected while it beats`, async () => {
      const out = join(folder, name);
      await leave(name, owner({ host: 'elsewhere' }), -offset);
      const beating = setInterval(() => {
        const then = new Date(Date.now() + offset);
        utimesSync(lockOf(name), then, then);
      }, QUICK.beat);
      await assert.rejects(RunLock.take(out, QUICK), { code: 'RUN_BUSY', message: /on elsewhere/ });
      clearInterval(beating);
      await (await RunLock.take(out, QUICK)).release();
    });
  }

  test('that another machine has taken over stays with it', async () => {
    const out = join(folder, 'lost');
    const lock = await RunLock.take(out, QUICK);
    await lock.requireOwn();
    await leave('lost', owner({ host: 'elsewhere', pid: 4711 }), 50_000);
    await delay(5 * QUICK.beat);
    const { mtimeMs } = await stat(lockOf('lost'));
    assert.ok(Date.now() - mtimeMs > 45_000, 'it was given a sign of life');
    await assert.rejects(lock.requireOwn(), { code: 'RUN_LOST', message: /taken over by process 4711 on elsewhere/ });
    await lock.release();
    assert.match(await readFile(lockOf('lost'), 'utf8'), /elsewhere/);
  });

  test('that was removed by hand is made again', async () => {
    const out = join(folder, 'removed');
    const lock = await RunLock.take(out);
    await rm(lockOf('removed'));
    await lock.requireOwn();
    await assert.rejects(RunLock.take(out), { code: 'RUN_BUSY' });
    // The whole folder too: what is trained goes on, and into it.
    await rm(out, { recursive: true });
    await lock.requireOwn();
    await assert.rejects(RunLock.take(out), { code: 'RUN_BUSY' });
    await lock.release();
    assert.deepEqual(await readdir(out), []);
  });

  test('of a process whose number another one has now is taken over', async () => {
    await leave('again', owner({ born: '1' }), 40_000);
    await (await RunLock.take(join(folder, 'again'))).release();
  });

  test('that was cut off counts for as long as its process may be writing it', async () => {
    await leave('cut', '{"host":');
    await assert.rejects(RunLock.take(join(folder, 'cut')), { code: 'RUN_BUSY', message: /by another process$/ });
    await leave('cut', '', 100_000);
    await (await RunLock.take(join(folder, 'cut'))).release();
  });

  test('goes to one of many that find it left behind', async () => {
    await leave('many', owner({ host: 'elsewhere' }), 100_000);
    const takes = await Promise.allSettled(
      Array.from({ length: 12 }, async () => RunLock.take(join(folder, 'many'), QUICK)),
    );
    const taken = takes.flatMap((take) => (take.status === 'fulfilled' ? [take.value] : []));
    assert.equal(taken.length, 1);
    assert.match(await readFile(lockOf('many'), 'utf8'), new RegExp(`"pid":${process.pid}`));
    await taken[0].release();
    assert.deepEqual(await readdir(join(folder, 'many')), []);
  });

  test('in a folder that may not be written is one clear line', async () => {
    const out = join(folder, 'closed');
    await (await RunLock.take(out)).release();
    await chmod(out, 0o500);
    await chmod(folder, 0o755);
    await withoutRoot(() =>
      assert.rejects(RunLock.take(out), { code: 'WRITE_FAILED', message: /^no permission to write / }),
    );
    assert.ok(!existsSync(lockOf('closed')));
  });
});
