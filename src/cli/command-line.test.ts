import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { suite, test } from 'node:test';

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
    [['evaluate', 'runs/first', '--data', 'x', '--layers'], /error: --layers adds to the report that --report writes/],
  ];
  for (const [args, message] of wrong) {
    test(args.join(' '), () => {
      const { status, stderr } = sepal(...args);
      assert.match(stderr, message);
      assert.equal(status, 2);
    });
  }
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
});
