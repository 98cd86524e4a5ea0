import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { shellWord } from './shell-word.ts';

test('a word is typed as it is, or in quotes that a shell takes off', () => {
  for (const plain of ['runs/first', 'läufe/erster', '../a_b-1.yaml', 'gs://bucket/x'])
    assert.equal(shellWord(plain), plain);
  for (const odd of ['läufe/erster lauf', "it's", '$HOME', '', 'a\nb', 'x*']) {
    assert.equal(spawnSync('sh', ['-c', `printf %s ${shellWord(odd)}`], { encoding: 'utf8' }).stdout, odd);
  }
});
