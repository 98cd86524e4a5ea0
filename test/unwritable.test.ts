import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import type { Dirent } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { stringify } from 'yaml';
import { encodeJpeg } from '../src/data/index.ts';
import { skipWithoutCpuPlugin as skip } from './backend.ts';
import { writeColouredDataset } from './coloured-dataset.ts';
import { mountSmallDisk } from './small-disk.ts';
import { writeUntrainedRun } from './untrained-run.ts';

const MAIN = join(import.meta.dirname, '..', 'src', 'cli', 'main.ts');
const SIZE = 32;

const RECIPE = {
  model: { name: 'cnn', options: { depth: 2, width: 4 } },
  size: SIZE,
  epochs: 1,
  batchSize: 8,
  optimizer: { name: 'adam' },
  schedule: { name: 'constant', rate: 0.01 },
};

// Every command that writes, on a disk that is full and on one that may only be read.
suite('where nothing can be written', { skip }, () => {
  test('each command says so in one line, and leaves nothing behind', async (t) => {
    await using disk = await mountSmallDisk(96 * 1024);
    if (disk === undefined) {
      t.skip('needs the right to mount a small tmpfs');
      return;
    }
    const folder = await mkdtemp(join(tmpdir(), 'sepal-unwritable-'));
    try {
      const classNames = ['daisy', 'rose', 'tulip'];
      const data = await writeColouredDataset(join(folder, 'data'), { splits: { train: 24, val: 9, test: 9 }, size: SIZE, classNames }); // prettier-ignore
      const run = await writeUntrainedRun(join(folder, 'run'), { classNames, size: SIZE });
      await writeFile(join(folder, 'recipe.yaml'), stringify(RECIPE));
      const image = encodeJpeg({ rgb: new Uint8Array(SIZE * SIZE * 3).fill(90), size: SIZE, quality: 95 });
      for (const name of classNames.flatMap((each) => [1, 2, 3, 4, 5, 6, 7].map((n) => join(each, `${n}.jpg`)))) {
        await mkdir(join(folder, 'photos', name, '..'), { recursive: true });
        await writeFile(join(folder, 'photos', name), image);
      }
      const to = (name: string) => join(disk.path, name);
      const device = ['--device', 'cpu', '--replicas', '1'];
      const commands = [
        ['train', join(folder, 'recipe.yaml'), '--data', data, '--out', to('run'), ...device],
        ['data', 'convert', join(folder, 'photos'), '--out', to('flowers'), '--size', String(SIZE)],
        ['export', run, '--format', 'onnx', '--out', to('model.onnx')],
        ['ensemble', run, '--data', data, '--split', 'val', '--weights', '1', '--out', to('ensemble.json'), ...device],
        ['submit', run, '--data', data, '--out', to('submission.csv'), ...device],
      ];
      const refused = async (expected: RegExp) => {
        for (const args of commands) {
          const { status, stderr } = spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' });
          const errors = stderr.split('\n').filter((line) => line.startsWith('error: '));
          assert.deepEqual([status, errors.length], [1, 1], `${args[0]}: ${stderr}`);
          assert.match(errors[0], expected, args[0]);
          const left: Dirent[] = await readdir(disk.path, { recursive: true, withFileTypes: true });
          assert.deepEqual(left.filter((entry) => entry.isFile()).map(({ name }) => name), ['other'], args[0]); // prettier-ignore
        }
      };
      const { bavail, bsize } = await statfs(disk.path);
      await writeFile(to('other'), Buffer.alloc(bavail * bsize));
      await refused(/^error: no room left on the disk while writing /);
      execFileSync('mount', ['-o', 'remount,ro', disk.path]);
      // Making folders in folders on such a disk fails as if the outer one were missing.
      await refused(/^error: (no permission to|can't) write /);
      execFileSync('mount', ['-o', 'remount,rw', disk.path]);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
