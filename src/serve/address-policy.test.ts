import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';
import { AddressPolicy } from './address-policy.ts';

const PUBLIC = [
  '93.184.215.14',
  '1.1.1.1',
  '2606:2800:21f:cb07:6820:80da:af6b:8b2c',
  '::ffff:1.1.1.1',
  '64:ff9b::101:101',
];

/** Separated by white space; the last two lines are IPv4 in other clothes (mapped, translated, tunnelled, compatible) and no addresses. */
const PRIVATE = `
  0.0.0.0 0.1.2.3 127.0.0.1 127.255.0.9 10.1.2.3 172.16.0.1 172.31.255.255 192.168.1.1
  169.254.169.254 100.64.0.1 192.0.0.192 192.0.2.1 198.18.0.1 198.51.100.7 203.0.113.5
  224.0.0.251 240.0.0.1 255.255.255.255 168.63.129.16
  :: ::1 fe80::1 fec0::1 fc00::1 fd00:ec2::254 ff02::1 2001:db8::1 3fff::1 100::1
  ::ffff:127.0.0.1 ::ffff:7f00:1 ::ffff:0:7f00:1 ::ffff:a9fe:a9fe 64:ff9b::7f00:1 64:ff9b::a00:1
  64:ff9b:1::101:101 2002:7f00:1:: 2002:101:101:: 2001:0:101:101::1 ::127.0.0.1 ::1.1.1.1
  fe80::1%eth0 localhost  127.1 0x7f000001
`;

test('only what the internet routes to everyone is permitted, in whatever form it comes', () => {
  const policy = new AddressPolicy();
  assert.deepEqual(
    PUBLIC.filter((address) => !policy.permits(address, 443)),
    [],
  );
  assert.deepEqual(
    ['', ...PRIVATE.trim().split(/\s+/)].filter((address) => policy.permits(address, 80)),
    [],
  );
});

test('only the ports of the web are permitted', () => {
  const policy = new AddressPolicy();
  const ports = [0, 22, 25, 80, 443, 3306, 6379, 8080];
  assert.deepEqual(
    ports.filter((port) => policy.permits('1.1.1.1', port)),
    [80, 443],
  );
});

test("this machine's own addresses are refused, public or not", () => {
  const own = Object.values(networkInterfaces()).flatMap((cards = []) => cards.map(({ address }) => address));
  const policy = new AddressPolicy();
  assert.ok(own.length > 0);
  assert.deepEqual(
    own.filter((address) => policy.permits(address, 80)),
    [],
  );
});

test('a range that the operator allows is open on every port, and no more than it', () => {
  const policy = new AddressPolicy(['192.168.1.0/24', '127.0.0.2', 'fd12::/16']);
  for (const address of ['192.168.1.77', '127.0.0.2', '::ffff:192.168.1.9', 'fd12:3::4']) {
    assert.ok(policy.permits(address, 8080), address);
  }
  for (const address of ['192.168.2.1', '127.0.0.1', 'fd13::1']) assert.ok(!policy.permits(address, 80), address);
});

test('a range that is none is refused by name', () => {
  assert.throws(() => new AddressPolicy(['192.168.1.0/33']), { code: 'ADDRESS_RANGE', message: /192\.168\.1\.0\/33/ });
  assert.throws(() => new AddressPolicy(['intranet']), { code: 'ADDRESS_RANGE' });
  const short = [
    '1.2',
    '10.1/16',
    '10',
    '0x0a000001',
    '010.0.0.1',
    '192.168.1.0/',
    '/24',
    '192.168.1.0/24/8',
    'fe80::1%eth0',
    '',
  ];
  for (const text of short) {
    assert.throws(() => new AddressPolicy([text]), { code: 'ADDRESS_RANGE', expected: /all of its numbers/ }, text);
  }
});
