import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import sharp from 'sharp';
import { silent } from '../src/base/index.ts';
import { createProgram, leafCommands } from '../src/cli/program.ts';
import { skipWithoutCpuPlugin as skip } from './backend.ts';

const ROOT = join(import.meta.dirname, '..');

/** A shape of docs/command-line.md: the names at its first level, and whether it is a list of such. */
interface Shape {
  readonly command: string;
  readonly isList: boolean;
  readonly event: string | undefined;
  readonly needed: readonly string[];
  readonly optional: readonly string[];
}

/** `{ event: "start", out, images: { train, val }, report? }` and `[{ … }]`. */
function parseShape(command: string, text: string): Shape {
  let depth = 0;
  let first = '';
  for (const letter of text.replace(/^\[/, '')) {
    if (letter === '}' || letter === ']') depth--;
    if (depth === 1 && letter !== '{') first += letter;
    if (letter === '{' || letter === '[') depth++;
  }
  const names = first.split(',').map((each) => each.split(':')[0].trim());
  return {
    command,
    isList: text.startsWith('['),
    event: /event: "(\w+)"/.exec(text)?.[1],
    needed: names.filter((name) => !name.endsWith('?')),
    optional: names.filter((name) => name.endsWith('?')).map((name) => name.slice(0, -1)),
  };
}

const document = await readFile(join(ROOT, 'docs', 'command-line.md'), 'utf8');
const shapes = [...document.matchAll(/^\| `([a-z -]+)` \| `([[{].+?[\]}])`/gm)].map(([, command, text]) =>
  parseShape(command, text),
);

/** Checks a value against the shapes of its command. */
function checkShape(command: string, value: unknown): void {
  const isLine = (shape: Shape) => shape.event === undefined || shape.event === (value as { event?: string }).event;
  const shape = shapes.find((each) => each.command === command && isLine(each));
  assert.ok(shape !== undefined, `docs/command-line.md has no shape of ${command}: ${JSON.stringify(value)}`);
  assert.equal(Array.isArray(value), shape.isList, `${command}: a list`);
  const rows = (shape.isList ? value : [value]) as Record<string, unknown>[];
  assert.ok(rows.length > 0);
  for (const row of rows) {
    const names = Object.keys(row);
    assert.deepEqual(shape.needed.filter((name) => !names.includes(name)), [], `${command} lacks what is documented`); // prettier-ignore
    const known: ReadonlySet<string> = new Set([...shape.needed, ...shape.optional]);
    if (!OPEN.has(command)) assert.deepEqual(names.filter((name) => !known.has(name)), [], `${command} has more than is documented`); // prettier-ignore
  }
}
/** Their documented fields are the ones that matter most. */
const OPEN = new Set(['ensemble', 'launch', 'plan']);

const commands = leafCommands(await createProgram([], () => ({ log: silent, signal: new AbortController().signal })));

suite('--json', () => {
  for (const [name, command] of commands) {
    test(`${name} has it, and its shape is documented`, () => {
      assert.ok(command.options.some(({ long }) => long === '--json'), 'no --json'); // prettier-ignore
      assert.ok(shapes.some((shape) => shape.command === name), 'no row in docs/command-line.md'); // prettier-ignore
    });
  }
});

suite('commands print what is documented', { skip }, () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sepal-json-'));
    for (const [name, background] of Object.entries({ daisy: '#eeeeee', rose: '#c03040' })) {
      await mkdir(join(folder, 'photos', name), { recursive: true });
      for (let i = 0; i < 6; i++) {
        const noise = { type: 'gaussian', mean: 128, sigma: 10 + 5 * i } as const;
        const photo = sharp({ create: { width: 32, height: 32, channels: 3, background, noise } });
        await photo.jpeg().toFile(join(folder, 'photos', name, `${i}.jpg`));
      }
    }
  });
  after(() => rm(folder, { recursive: true }));

  test('on stdout, and nothing else', async () => {
    const device = ['--device', 'cpu'];
    const small = ['--size', '32', '--batch-size', '4', '--epochs', '2', '--set', 'model.options={depth: 2, width: 4}'];
    const lines: readonly (readonly [name: string, ...args: string[]])[] = [
      ['data make', '--out', 'flowers', '--classes', '2', '--train', '6', '--val', '2', '--test', '2'],
      ['data make', '--classes', '2', '--preview', 'species.png'],
      ['data convert', 'photos', '--out', 'set', '--size', '32', '--val', '0.4', '--test', '0.2'],
      ['data info', 'set'],
      ['data check', 'set', '--deep'],
      ['data show', 'set', '--size', '32', '--rows', '2', '--columns', '2', ...device],
      ['train', 'cnn', '--data', 'set', '--out', 'runs/first', '--no-report', ...small, ...device],
      [
        'tune',
        'cnn',
        '--data',
        'set',
        '--range',
        'schedule.rate=0.001,0.01',
        '--trials',
        '2',
        '--out',
        'runs/tuned',
        ...small,
        ...device,
      ],
      ['evaluate', 'runs/first', '--data', 'set', ...device],
      ['report', 'runs/first'],
      ['predict', 'runs/first', 'photos/rose/0.jpg', ...device],
      ['export', 'runs/first', '--format', 'onnx', '--out', 'first.onnx'],
      ['ensemble', 'runs/first', '--data', 'set', '--out', 'ensemble.json', ...device],
      ['submit', 'ensemble.json', '--data', 'set', ...device],
      ['schedule', 'cnn'],
      ['launch', 'cnn', '--target', 'v5e-16', '--image', 'sepal:1', '--data', '/data/set'],
      ['models', 'cnn'],
      ['plugin list'],
      ['plugin install', 'cpu'],
      ['plugin where', 'cpu'],
      ['completion', 'bash'],
    ];
    const words = lines.map(([name, ...args]) => [...name.split(' '), ...args, '--json']);
    const wrong = [
      ['predict', 'nowhere', 'photos', ...device, '--json'],
      ['train', '--no-such-flag', '--json'],
    ];
    const file = join(folder, 'lines.json');
    await writeFile(file, JSON.stringify([...words, ...wrong]));
    const child = join(ROOT, 'test', 'commands-child.ts');
    const { stderr, output } = spawnSync(process.execPath, ['--no-warnings', child, file], {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, FORCE_COLOR: '1' },
      stdio: ['ignore', 'inherit', 'pipe', 'pipe'],
    });
    const done = JSON.parse(output[3] ?? '') as { args: string[]; status: number; stdout: string }[];
    assert.equal(done.length, words.length + wrong.length, stderr);
    assert.ok(![stderr, ...done.map(({ stdout }) => stdout)].some((text) => text.includes('\u001B[')), 'colours');
    for (const [n, { args, status, stdout }] of done.slice(0, words.length).entries()) {
      assert.equal(status, 0, `${args.join(' ')}\n${stdout}\n${stderr}`);
      const [name] = lines[n];
      const values = name === 'train' ? stdout.trim().split('\n') : [stdout];
      for (const value of values) checkShape(name, JSON.parse(value));
      if (name === 'train') assert.equal(values.length, 4);
    }
    const errors = done.slice(words.length);
    assert.deepEqual(errors.map(({ status }) => status), [1, 2]); // prettier-ignore
    const codes = errors.map(({ stdout }) => (JSON.parse(stdout) as { error: { code: string } }).error.code);
    assert.deepEqual(codes, ['NO_RUN', 'COMMAND_LINE']);
  });
});
