import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientKey, TokenBuckets } from './token-buckets.ts';

test('a client may send a burst, then so many a second, whatever others do', () => {
  let now = 0;
  const buckets = new TokenBuckets(2, 5, () => now);
  for (let i = 0; i < 5; i++) assert.equal(buckets.take('a', 1), 0);
  assert.equal(buckets.take('a', 1), 0.5);
  assert.equal(buckets.take('b', 1), 0);
  now = 0.5;
  assert.equal(buckets.take('a', 1), 0);
  assert.equal(buckets.take('a', 1), 0.5);
  now = 100;
  assert.equal(buckets.take('a', 5), 0, 'a bucket is never fuller than full');
  assert.equal(buckets.take('a', 1), 0.5);
});

test('more than a burst at once needs a full bucket, and a rate of 0 is no limit', () => {
  let now = 0;
  const buckets = new TokenBuckets(1, 4, () => now);
  assert.equal(buckets.take('a', 10), 0);
  assert.equal(buckets.take('a', 10), 4);
  now = 4;
  assert.equal(buckets.take('a', 10), 0);
  const open = new TokenBuckets(0, 1);
  for (let i = 0; i < 100; i++) assert.equal(open.take('a', 50), 0);
});

test('clients are told apart by address, those of IPv6 by network', () => {
  assert.equal(clientKey('::ffff:10.0.0.7'), '10.0.0.7');
  assert.equal(clientKey('2001:db8:1:2:3::4'), clientKey('2001:db8:1:2:ffff::1'));
  assert.notEqual(clientKey('2001:db8:1:2::1'), clientKey('2001:db8:1:3::1'));
  assert.equal(clientKey(undefined), clientKey('nonsense'));
});

test('a client is the same whether a proxy names its port or not', () => {
  assert.equal(clientKey('10.0.0.7:5123'), '10.0.0.7');
  assert.equal(clientKey('[2001:db8:1:2::1]:443'), clientKey('2001:db8:1:2::1'));
  assert.notEqual(clientKey('[2001:db8:1:2::1]:443'), clientKey('10.0.0.7:443'));
});
