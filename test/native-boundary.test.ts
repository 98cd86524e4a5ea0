import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { skipWithoutCpuPlugin as skip } from './backend.ts';

interface Ended {
  readonly status: number | string;
  readonly output: string;
  readonly errors: string;
}

function runChild(program: string, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const path = join(import.meta.dirname, 'native-boundary', program);
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [path, ...args],
      { env: { ...process.env, ...env }, timeout: 120_000 },
      (error, output, errors) => {
        // prettier-ignore
        resolve({ status: error === null ? 0 : (error.signal ?? error.code ?? 'unknown'), output, errors });
      },
    );
  });
}

/** How each misuse ends: with an error of this code, or with this word. */
const ENDS: Readonly<Record<string, string>> = {
  'a read after destroy': 'INVALID_ARGUMENT',
  'a pointer asked for after destroy': 'INVALID_ARGUMENT',
  'a program run after destroy': 'INVALID_ARGUMENT',
  'a program described after its client is destroyed': 'INVALID_ARGUMENT',
  'a buffer read after its client is destroyed': 'FAILED_PRECONDITION',
  "the memory of a destroyed client's device": 'FAILED_PRECONDITION',
  "the attributes of a destroyed client's device": 'FAILED_PRECONDITION',
  "a transfer to another client's device": 'INVALID_ARGUMENT',
  "a transfer to a destroyed client's device": 'INVALID_ARGUMENT',
  "another client's buffer as an argument": 'INVALID_ARGUMENT',
  'an argument on the wrong device': 'INVALID_ARGUMENT',
  'an argument that is no buffer': 'INVALID_ARGUMENT',
  'too few arguments': 'INVALID_ARGUMENT',
  'an argument of another size': 'INVALID_ARGUMENT',
  'one buffer donated to two runs at once': 'INVALID_ARGUMENT',
  'a donated buffer used again': 'INVALID_ARGUMENT',
  'a negative size': 'INVALID_ARGUMENT',
  'half a size': 'INVALID_ARGUMENT',
  'an element type that there is not': 'INVALID_ARGUMENT',
  'host memory that shrinks during the transfer': 'sent',
  'host memory that is taken away during the transfer': 'kept',
  'host memory that is gone': 'INVALID_ARGUMENT',
  'memory of WebAssembly, and memory that threads share': 'sent',
  'data that is no array': 'INVALID_ARGUMENT',
  'more bytes than can be counted': 'INVALID_ARGUMENT',
  'a size that is no number': 'INVALID_ARGUMENT',
  'a device below zero': 'INVALID_ARGUMENT',
  'a device that is no number': 'INVALID_ARGUMENT',
  'an option of the compiler that there is not': 'INVALID_ARGUMENT',
  'a client destroyed twice at once, and then what was its': 'closed',
  'a tensor with more elements than can be counted': 'SHAPE',
  'a tensor of half a size, traced': 'SHAPE',
  'minus one devices': 'INVALID_ARGUMENT',
  'a hundred thousand devices': 'INVALID_ARGUMENT',
  'an option of the wrong type': 'INVALID_ARGUMENT',
  'an empty program': 'INVALID_ARGUMENT',
  'bytes that are no program': 'UNKNOWN',
  'a damaged compiled program': 'INTERNAL',
  'no replicas': 'INVALID_ARGUMENT',
  'more replicas than devices': 'INVALID_ARGUMENT',
  'two replicas on one device': 'INVALID_ARGUMENT',
  'a device that there is not': 'INVALID_ARGUMENT',
  'a client destroyed with runs and compilations in flight': 'closed',
  'two clients at once': 'closed',
  'an array of the wrong dtype': 'ARGUMENTS',
  'an array of another backend': 'INVALID_ARGUMENT',
  'a backend closed with runs in flight': 'INVALID_ARGUMENT',
};

suite('the native boundary', { skip }, () => {
  test('answers every misuse with a typed error, and the process lives on', async () => {
    const { status, output, errors } = await runChild('child.ts');
    const ends = output.split('\n').filter(Boolean).map((line) => JSON.parse(line) as [string, string]); // prettier-ignore
    // A crash shows as the last line before it, and in the status.
    assert.deepEqual(Object.fromEntries(ends), ENDS, errors);
    assert.equal(status, 0);
  });

  const endings: readonly (readonly [string, string, number, RegExp])[] = [
    ['process.exit while the plugin compiles', 'exit', 3, /^$/],
    ['an uncaught error while the plugin compiles', 'throw', 1, /^$/],
    ['a worker thread terminated while it compiles', 'worker-terminate', 0, /worker ended with 1/],
    ['a worker thread that exits while it compiles', 'worker-exit', 0, /worker ended with 3/],
    ['a worker thread that fails while it compiles', 'worker-throw', 0, /worker ended with 1/],
  ];
  for (const [name, how, status, output] of endings) {
    test(`${name} ends as it should`, async () => {
      const ended = await runChild('ending.ts', [how]);
      assert.equal(ended.status, status, ended.errors);
      assert.match(ended.output, output);
    });
  }

  test('a plugin that ends its process is an error with its last words', async () => {
    // XLA aborts over a flag that it doesn't know.
    const { status, output } = await runChild('aborting.ts', [], { XLA_FLAGS: '--xla_there_is_no_such_flag' });
    assert.equal(status, 0);
    assert.deepEqual(JSON.parse(output), {
      code: 'PLUGIN_DIED',
      message: 'the cpu plugin ends the process that loads it: Unknown flag in XLA_FLAGS: --xla_there_is_no_such_flag',
      hint: 'correct or unset XLA_FLAGS',
    });
  });
});
