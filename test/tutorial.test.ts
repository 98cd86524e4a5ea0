import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import sharp from 'sharp';
import { skipWithoutCpuPlugin as skip } from './backend.ts';

const ROOT = join(import.meta.dirname, '..');
const MAIN = join(ROOT, 'src', 'cli', 'main.ts');

/** The commands of a document, in its order. */
async function commandsOf(document: string): Promise<string[]> {
  const text = await readFile(join(ROOT, 'docs', document), 'utf8');
  return [...text.matchAll(/^ {4}npm run sepal -- (.+?)(?:\s+#.*)?$/gm)].map((match) => match[1]);
}

suite('the tutorial', { skip }, () => {
  let folder: string;
  let commands: string[];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sepal-tutorial-'));
    commands = await commandsOf('tutorial.md');
    for (const [name, background] of Object.entries({ daisy: '#eeeeee', rose: '#c03040', tulip: '#e0b030' })) {
      await mkdir(join(folder, 'photos', name), { recursive: true });
      for (let i = 0; i < 12; i++) {
        const noise = { type: 'gaussian', mean: 128, sigma: 30 } as const;
        const texture = await sharp({ create: { width: 64, height: 64, channels: 3, background, noise } })
          .png()
          .toBuffer();
        const photo = sharp({ create: { width: 64, height: 64, channels: 3, background } });
        await photo
          .composite([{ input: texture, blend: 'soft-light' }])
          .jpeg()
          .toFile(join(folder, 'photos', name, `${i}.jpg`));
      }
    }
  });
  after(() => rm(folder, { recursive: true }));

  /** Runs a command of the tutorial as it stands there, with flags that make it short. */
  const sepal = (command: string, ...more: readonly string[]) => {
    const args = ['--no-warnings', MAIN, ...command.split(' '), ...more];
    const result = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
    assert.equal(result.status, 0, `${command}\n${result.stderr}`);
    return result.stdout;
  };
  const command = (start: string) => {
    const found = commands.find((each) => each.startsWith(start));
    assert.ok(found !== undefined, `the tutorial has no command ${start}`);
    return found;
  };

  test('its commands lead from photos to a page that names them', async () => {
    sepal(command('data convert'));
    assert.match(sepal(command('data info')), /daisy|3 classes/);
    const small = [
      '--device',
      'cpu',
      '--epochs',
      '4',
      '--size',
      '32',
      '--batch-size',
      '8',
      '--set',
      'model.options.width=8',
    ];
    sepal(command('train cnn'), ...small);
    const child = spawn(
      process.execPath,
      [
        '--no-warnings',
        MAIN,
        ...command('serve').split(' '),
        '--device',
        'cpu',
        '--port',
        '0',
        '--batch-sizes',
        '1',
        '--json',
      ],
      { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const exited = new Promise<number | null>((resolve) => {
      child.on('exit', resolve);
    });
    try {
      let text = '';
      for await (const chunk of child.stdout.setEncoding('utf8')) {
        text += String(chunk);
        if (text.trimEnd().endsWith('}') && text.startsWith('{') && text.includes('\n}')) break;
      }
      const { url } = JSON.parse(text) as { url: string };
      const form = new FormData();
      form.append('image', new Blob([await readFile(join(folder, 'photos', 'rose', '0.jpg'))]), 'rose.jpg');
      const response = await fetch(`${url}/api/predict`, { method: 'POST', body: form });
      const { images } = (await response.json()) as { images: { classes: { name: string }[] }[] };
      assert.equal(images[0].classes.length, 3);
    } finally {
      child.kill('SIGTERM');
    }
    assert.equal(await exited, 0, 'SIGTERM ends the server in order');
  });

  test('its other commands exist', () => {
    for (const each of commands) {
      const { status } = spawnSync(process.execPath, ['--no-warnings', MAIN, each.split(' ')[0], '--help'], {
        cwd: folder,
      });
      assert.equal(status, 0, each);
    }
  });

  test('the files it shows are there', async () => {
    const text = await readFile(join(ROOT, 'docs', 'tutorial.md'), 'utf8');
    for (const [, file] of text.matchAll(/\]\(([\w./-]+)\)/g)) await readFile(join(ROOT, 'docs', file));
  });
});
