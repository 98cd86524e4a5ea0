import assert from 'node:assert/strict';
import { test } from 'node:test';
import { didYouMean, nearest } from './nearest.ts';

test('a mistyped name finds the one that was meant', () => {
  assert.deepEqual(nearest('resnt50', ['resnet50', 'vgg16', 'xception']), ['resnet50']);
  assert.equal(didYouMean('clas', ['class', 'image']), 'did you mean "class"?');
});

test('the nearest names come first', () => {
  assert.deepEqual(nearest('vgg16', ['tulip', 'agg19', 'vgg19']), ['vgg19', 'agg19']);
});

test('a name near nothing gets the whole list', () => {
  assert.equal(didYouMean('qqqqqqqq', ['image', 'class']), 'there are image, class');
  assert.equal(didYouMean('qqqqqqqq', []), undefined);
});

test('a device that people call by another name is found by it', () => {
  const devices = ['auto', 'tpu', 'cuda', 'rocm', 'cpu'];
  assert.deepEqual(nearest('gpu', devices), ['cuda', 'rocm']);
  assert.deepEqual(nearest('NVIDIA', devices), ['cuda']);
  assert.deepEqual(nearest('amd', devices), ['rocm']);
  assert.deepEqual(nearest('gpu', ['cpu', 'tpus']), ['cpu', 'tpus']);
});
