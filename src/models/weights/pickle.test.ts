import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { readPickle } from './pickle.ts';
import { PickleClass, type PickleWorld } from './pickle-value.ts';

const WORLD: PickleWorld = {
  classes: new Map(
    [
      new PickleClass('collections.OrderedDict', () => new Map()),
      new PickleClass('torch.FloatStorage'),
      new PickleClass('pair', (args) => args),
    ].map((known) => [known.name, known]),
  ),
  persistent: (id) => ['persistent', id],
};

const read = (bytes: Buffer) => readPickle(bytes, 0, WORLD, 'a.pth').value;
const hex = (text: string) => Buffer.from(text, 'hex');
const ascii = (text: string) => Buffer.from(text, 'latin1');

suite('a pickle', () => {
  // `pickle.dumps(VALUE, protocol)` of Python 3.11.
  const plain: readonly (readonly [string, string, unknown])[] = [
    [
      'of protocol 2',
      '80027d7100285801000000617101284b014dffff4a000001008a0500000000014affffffff747102580100000062710388580100000063710489580100000064710547400400000000000058010000006571064e752e',
      new Map<string, unknown>([
        ['a', [1, 65535, 65536, 4294967296, -1]],
        ['b', true],
        ['c', false],
        ['d', 2.5],
        ['e', null],
      ]),
    ],
    [
      'of protocol 4',
      '80049519000000000000007d948c0161945d94284b018c0162944302787994859465732e',
      new Map([['a', [1, 'b', [Uint8Array.from([0x78, 0x79])]]]]),
    ],
  ];
  for (const [name, text, value] of plain) {
    test(`${name} gives its values`, () => assert.deepEqual(read(hex(text)), value));
  }

  test('of protocol 0 gives its values', () => {
    assert.deepEqual(read(ascii("(dp0\nS'a'\np1\n(I1\nI01\nL12L\nF0.5\nVx\ntp2\ns.")), new Map([['a', [1, true, 12, 0.5, 'x']]])); // prettier-ignore
  });

  test('says where it ends, and the next one begins there', () => {
    const bytes = Buffer.concat([hex('80024b012e'), hex('80024b022e')]);
    const { value, end } = readPickle(bytes, 0, WORLD, 'a.pth');
    assert.deepEqual([value, end], [1, 5]);
    assert.equal(readPickle(bytes, end, WORLD, 'a.pth').value, 2);
  });

  test('calls what is known and asks for persistent values', () => {
    assert.deepEqual(
      read(Buffer.concat([hex('8002'), ascii('ccollections\nOrderedDict\n'), hex('29522e')])),
      new Map(),
    );
    assert.deepEqual(read(hex('80024b07512e')), ['persistent', 7]);
  });

  // What Python gives for `{'weight': X}` where unpickling X calls `os.system('echo hi')`, in each protocol, and others.
  const attacks: readonly (readonly [string, Buffer, string])[] = [
    ['os.system, protocol 0', hex('286470300a567765696768740a70310a63706f7369780a73797374656d0a70320a28566563686f2068690a70330a7470340a5270350a732e'), 'posix.system'], // prettier-ignore
    ['os.system, protocol 2', hex('80027d71005806000000776569676874710163706f7369780a73797374656d0a710258070000006563686f2068697103857104527105732e'), 'posix.system'], // prettier-ignore
    ['os.system, protocol 4', hex('8004952e000000000000007d948c06776569676874948c05706f736978948c0673797374656d9493948c076563686f2068699485945294732e'), 'posix.system'], // prettier-ignore
    ['eval inside an OrderedDict', hex('80049545000000000000008c0b636f6c6c656374696f6e73948c0b4f726465726564446963749493942952948c0161948c086275696c74696e73948c046576616c9493948c03312b319485945294732e'), 'builtins.eval'], // prettier-ignore
    ['an object of a class', hex('80027d71005804000000617267737101635f5f6d61696e5f5f0a430a7102298171037d710458010000007871054b017362732e'), '__main__.C'], // prettier-ignore
    ['INST', ascii("(S'echo hi'\nios\nsystem\n."), 'os.system'],
    ['a name made of the stack', hex('80048c026f738c0673797374656d932e'), 'os.system'],
    ['a name with dots', hex('80048c05746f7263688c0d6f732e73797374656d2e6c6f6c932e'), 'torch.os.system.lol'],
    ['a call of what may only be named', Buffer.concat([hex('8002'), ascii('ctorch\nFloatStorage\n'), hex('29522e')]), 'torch.FloatStorage'], // prettier-ignore
  ];
  for (const [name, bytes, function_] of attacks) {
    test(`with ${name} is refused by its name`, () => {
      const message = `a.pth would call ${function_}, which builds no tensor; nothing was run`;
      assert.throws(() => read(bytes), { name: 'WeightsError', code: 'WEIGHTS_UNSAFE', message });
    });
  }

  const broken: readonly (readonly [string, Buffer, RegExp])[] = [
    ['that is empty', Buffer.alloc(0), /cut off/],
    ['with an unknown instruction', hex('8002ff2e'), /instruction 0xff builds no plain value/],
    ['from the extension registry', hex('800282012e'), /instruction 0x82 builds no plain value/],
    ['with a text longer than it', hex('800258ffffff7f61'), /cut off/],
    ['with a text of 2^63 bytes', hex('80048d000000000000008061'), /cut off/],
    ['with a huge integer', hex('80028bffffff7f00'), /an integer of 2147483647 bytes/],
    ['that takes from an empty stack', hex('8002742e'), /a mark is missing/],
    ['that pops too much', hex('8002872e'), /more from its stack/],
    ['that recalls what it never had', hex('800268052e'), /recalls value 5/],
    ['that sets items of a list', hex('80025d4b014b02732e'), /no dict/],
    ['that appends to a dict', hex('80027d4b01612e'), /no list/],
    ['that sets attributes of a list', hex('80025d7d622e'), /attributes/],
    ['that calls a number', hex('80024b0129522e'), /no function/],
  ];
  for (const [name, bytes, message] of broken) {
    test(`${name} is refused`, () => {
      assert.throws(() => read(bytes), { name: 'WeightsError', code: 'WEIGHTS_CORRUPT', message });
    });
  }

  test('cut off anywhere, or with any byte changed, is refused in order or read', () => {
    const whole = hex('80027d71005806000000776569676874710163706f7369780a73797374656d0a710258070000006563686f2068697103857104527105732e'); // prettier-ignore
    for (let i = 0; i < whole.length; i++) {
      assert.throws(() => read(whole.subarray(0, i)), { name: 'WeightsError' });
      for (const byte of [0x00, 0x2e, 0x52, 0x63, 0x93, 0xff]) {
        const changed = Buffer.from(whole);
        changed[i] = byte;
        try {
          read(changed);
        } catch (error) {
          assert.equal((error as Error).name, 'WeightsError');
        }
      }
    }
  });

  test('that only fills the stack is refused', () => {
    assert.throws(() => read(Buffer.alloc(1_100_000, 0x4e)), { code: 'WEIGHTS_CORRUPT', message: /stack grows/ });
  });
});
