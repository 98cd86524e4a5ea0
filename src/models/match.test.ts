import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matchFamilies } from './match.ts';
import { MODELS } from './registry.ts';

const names = (...patterns: string[]) => matchFamilies(patterns).map(({ name }) => name);

test('no pattern gives all architectures', () => {
  assert.deepEqual(matchFamilies([]), MODELS);
});

test('patterns match whole names, in any case, and the order is the registry’s', () => {
  assert.deepEqual(names('vgg*'), ['vgg16', 'vgg19']);
  assert.deepEqual(names('VGG??', 'cnn', 'vgg16'), ['cnn', 'vgg16', 'vgg19']);
  assert.equal(names('*b?').length, 8);
});

test('what matches nothing gets the nearest names', () => {
  assert.throws(() => names('resnet-50'), { code: 'MODEL', hint: /"resnet50"/ });
  assert.throws(() => names('vgg16', 'xceptoin*'), { code: 'MODEL', message: /"xceptoin\*"/, hint: /"xception"/ });
  assert.throws(() => names('vgg(1'), { code: 'MODEL' });
});
