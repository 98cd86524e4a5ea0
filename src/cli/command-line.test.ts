import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';

const MAIN = join(import.meta.dirname, 'main.ts');
const sepal = (...args: string[]) => spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' });

suite('a wrong command line ends with status 2 and a line that says what is wrong', () => {
  const wrong: readonly (readonly [string[], RegExp])[] = [
    [['train', 'cnn'], /error: no data set is given\n {2}hint: add --data DIR/],
    [['train', 'cnn', '--data', 'x', '--set', 'epochs'], /error: --set epochs; expected PATH=VALUE/],
    [
      ['train', 'cnn', '--data', 'x', '--set', 'augmnt.flip=true'],
      /error: --set augmnt\.flip=true: there is no setting "augmnt"/,
    ],
    [['tune', 'cnn', '--data', 'x'], /error: there is nothing to search\n {2}hint: add --range/],
    [
      ['tune', 'cnn', '--data', 'x', '--range', 'schedule.rate=1e-4..1e-2', '--reduction-factor', '1'],
      /error: --reduction-factor: reductionFactor can't be 1; expected at least 2/,
    ],
    [
      ['tune', 'cnn', '--data', 'x', '--range', 'schedule.rate=1e-4..1e-2', '--epochs', '200000'],
      /error: --epochs 200000: epochs can't be 200000; expected at most 100000/,
    ],
    [['evaluate', 'runs/first', '--data', 'x', '--layers'], /error: --layers adds to the report that --report writes/],
    [
      ['data', 'make', '--preview', 'a.jpg'],
      /error: --preview a\.jpg has another ending .*; expected a name with \.png/,
    ],
    [['data', 'show', 'x', '--out', 'a.jpg'], /error: --out a\.jpg has another ending .*; expected a name with \.png/],
    [
      ['data', 'show', 'x', '--rows', '1000'],
      /error: a sheet of 1000 × 8 pictures of 192 px is too large; .* 295 megapixels\n {2}hint: give fewer --rows/,
    ],
    [
      ['data', 'show', 'x', '--seed', 'abc'],
      /error: option '--seed <n>' argument 'abc' is invalid\. expected a number/,
    ],
    [['help', 'trian'], /error: unknown command 'trian'\n\(Did you mean train\?\)/],
    [['help', 'data', 'inof'], /error: unknown command 'inof'\n\(Did you mean info\?\)/],
    [['export', 'runs/first', '--format', 'onix', '--out', 'x'], /\(Did you mean onnx\?\)/],
    [['data', 'get', 'tf_flower'], /\(Did you mean tf_flowers\?\)/],
    [['train', 'cnn', '--data', 'x', '--device', 'gpu'], /\(Did you mean cuda or rocm\?\)/],
    [['plugin', 'install', 'cpux'], /\(Did you mean cpu/],
  ];
  for (const [args, message] of wrong) {
    test(args.join(' '), () => {
      const { status, stderr } = sepal(...args);
      assert.match(stderr, message);
      assert.equal(status, 2);
    });
  }
});

test('a failure that nobody waits for is one line, and leaves nothing half-written', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'sepal-unhandled-'));
  t.after(() => rm(folder, { recursive: true }));
  const [run, base] = [join(import.meta.dirname, 'run.ts'), join(import.meta.dirname, '..', 'base', 'index.ts')];
  const program = `
    const { run } = await import(${JSON.stringify(run)});
    const { fillFile, SepalError } = await import(${JSON.stringify(base)});
    await run(['--version']);
    void fillFile(${JSON.stringify(join(folder, 'out'))}, async (draft) => {
      (await import('node:fs')).writeFileSync(draft, 'half');
      void Promise.reject(new SepalError('LOST', 'the disk is gone', { hint: 'find it' }));
      await new Promise((resolve) => setTimeout(resolve, 60_000));
    });`;
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
    encoding: 'utf8',
  });
  assert.equal(stderr, 'error: the disk is gone\n  hint: find it\n');
  assert.equal(status, 1);
  assert.deepEqual(await readdir(folder), []);
});

suite('what is not there is answered with what was meant', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sepal-command-line-'));
    await mkdir(join(folder, 'first'));
    await mkdir(join(folder, 'photos'));
    await writeFile(join(folder, 'photos', 'a.jpg'), 'x');
  });
  after(() => rm(folder, { recursive: true }));

  const refused = (message: RegExp, ...args: string[]) => {
    const { status, stderr } = sepal(...args);
    assert.match(stderr, message);
    assert.equal(status, 1);
  };

  test('weights, before any data are read and before a run folder is made', () => {
    const out = join(folder, 'runs', 'a');
    refused(/^error: there are no weights called "imagnet"; .*\n {2}hint: did you mean "imagenet"\?/, 'train', 'cnn', '--data', 'x', '--weights', 'imagnet', '--out', out); // prettier-ignore
    assert.ok(!existsSync(join(folder, 'runs')));
  });

  test('a run', () => {
    refused(/there is no run .*frist\n {2}hint: did you mean .*first\?/, 'export', join(folder, 'frist'), '--format', 'onnx', '--out', 'x.onnx'); // prettier-ignore
  });

  test('folders of classes', () => {
    refused(/no class folders in .*\n {2}hint: .*--labels FILE\.csv/, 'data', 'convert', join(folder, 'photos'), '--out', join(folder, 'set')); // prettier-ignore
  });

  test('a folder that can be made', { skip: process.platform !== 'linux' && 'only Linux has /proc' }, async () => {
    const photos = join(folder, 'classes');
    await mkdir(join(photos, 'daisy'), { recursive: true });
    await writeFile(join(photos, 'daisy', 'a.jpg'), 'x');
    refused(/^error: (can't write|no permission to write) \/proc\/x\b(?!.*\.partial)/, 'data', 'convert', photos, '--out', '/proc/x'); // prettier-ignore
  });
});

test('help fits a terminal of 80 columns, but for examples, which are lines to copy', () => {
  const commands = ['', 'train', 'tune', 'export', 'debug', 'plan', 'profile', 'models', 'serve', 'launch'];
  for (const command of [...commands.map((name) => [name]), ['data', 'get']]) {
    const { stdout } = sepal(...command.filter((word) => word !== ''), '--help');
    const long = stdout.split('\n').filter((line) => line.length > 80 && !line.startsWith('  sepal '));
    assert.deepEqual(long, [], command.join(' '));
  }
  assert.match(sepal('help', 'train').stdout, /Usage: sepal train/);
  const { stdout, status } = sepal('help', 'data', 'convert');
  assert.equal(stdout, sepal('data', 'convert', '--help').stdout);
  assert.equal(status, 0);
});

test('programs get a wrong command line without the words for people, and the suggestion as a hint', () => {
  const error = (...args: string[]) => (JSON.parse(sepal(...args, '--json').stdout) as { error: object }).error;
  assert.deepEqual(error('train', '--epoch', '3'), {
    code: 'COMMAND_LINE',
    message: "unknown option '--epoch'",
    hint: 'did you mean --epochs?',
  });
  assert.deepEqual(error('export', 'runs/first', '--format', 'onnx'), {
    code: 'COMMAND_LINE',
    message: "required option '--out <path>' not specified",
  });
  assert.deepEqual(error('data', 'get', 'tf_flower'), {
    code: 'COMMAND_LINE',
    message:
      "command-argument value 'tf_flower' is invalid for argument 'name'. Allowed choices are tf_flowers, oxford102, petals.",
    hint: 'did you mean tf_flowers?',
  });
});
