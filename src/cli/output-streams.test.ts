import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { skipWithoutCpuPlugin as skip } from '../../test/backend.ts';
import { writeColouredDataset } from '../../test/coloured-dataset.ts';

const MAIN = join(import.meta.dirname, 'main.ts');
/** A process that goes round in circles would never end. */
const LONGEST = { timeout: 120_000, killSignal: 'SIGKILL' } as const;

/** Runs a command whose output nobody reads, as behind a pipe whose other end is gone; gives its status. */
async function unread(...args: string[]): Promise<number | null> {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'], ...LONGEST });
  child.stdout.destroy();
  child.stderr.destroy();
  return new Promise((resolve) => child.once('exit', resolve));
}

suite('output that nobody reads', () => {
  test('is no failure, and hides none', async () => {
    assert.equal(await unread('models', 'resnet50', '--json'), 0);
    assert.equal(await unread('models', 'resnetx', '--json'), 1);
    assert.equal(await unread('modles'), 2);
  });

  test('ends no training', { skip }, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'sepal-unread-'));
    t.after(() => rm(folder, { recursive: true }));
    const data = await writeColouredDataset(join(folder, 'data'), { splits: { train: 8, val: 4 }, size: 40 });
    const out = join(folder, 'run');
    const small = ['--size', '40', '--batch-size', '4', '--epochs', '2', '--set', 'model.options.width=4', 'model.options.depth=1']; // prettier-ignore
    assert.equal(await unread('train', 'cnn', '--data', data, '--out', out, '--device', 'cpu', '--json', ...small), 0);
    assert.equal((await readFile(join(out, 'history.jsonl'), 'utf8')).trim().split('\n').length, 2);
    assert.ok(existsSync(join(out, 'report.html')));
    assert.ok(!existsSync(join(out, 'train.lock')));
  });
});

test(
  'results that find no room are an error, told once',
  { skip: !existsSync('/dev/full') && 'there is no /dev/full' },
  () => {
    for (const more of [[], ['--json']]) {
      const child = spawnSync('sh', ['-c', '"$0" "$@" > /dev/full', process.execPath, MAIN, 'models', 'resnet50', ...more], { encoding: 'utf8', ...LONGEST }); // prettier-ignore
      assert.match(child.stderr, /^error: no room left on the disk while writing standard output\n {2}hint: .*\n$/);
      assert.equal(child.status, 1);
    }
  },
);
