import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { existsSync } from 'node:fs';
import { suite, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { EtcdStore } from './etcd-store.ts';
import { openBackend } from '../open-backend.ts';

/** The program: `SEPAL_ETCD`, or etcd on the path. */
const ETCD = [process.env.SEPAL_ETCD ?? '', ...(process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'etcd'))].find((path) => path !== '' && existsSync(path)); // prettier-ignore
const skip = ETCD === undefined ? 'needs etcd on the path, or SEPAL_ETCD=FILE' : false;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** An etcd of one node; its address. */
async function startEtcd(context: TestContext): Promise<string> {
  const [client, peer] = [await freePort(), await freePort()].map((port) => `http://127.0.0.1:${port}`);
  const folder = await mkdtemp(join(tmpdir(), 'sepal-etcd-'));
  const args = ['--data-dir', folder, '--listen-client-urls', client, '--advertise-client-urls', client, '--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', `default=${peer}`]; // prettier-ignore
  const server = spawn(ETCD!, args, { stdio: 'ignore' });
  context.after(async () => {
    server.kill('SIGKILL');
    await once(server, 'exit');
    await rm(folder, { recursive: true, force: true });
  });
  for (;;) {
    const healthy = await fetch(`${client}/health`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (healthy) return client;
    assert.equal(server.exitCode, null, 'etcd ended');
    await sleep(100);
  }
}

suite('a store in etcd', { skip }, () => {
  test('gives one process what another has put, waits for it, and forgets it when that one ends', async (context) => {
    const address = await startEtcd(context);
    const [one, two, other] = ['run', 'run', 'other'].map((name) => EtcdStore.open(`${address}/${name}`));
    const value = Uint8Array.from({ length: 100_000 }, (_, i) => i % 251);
    assert.equal(two.tryGet('topology'), undefined);
    one.put('topology', value);
    assert.deepEqual(two.get('topology', 1000), value);
    assert.equal(other.tryGet('topology'), undefined, 'another run has keys of its own');
    one.put('empty', new Uint8Array());
    assert.deepEqual(two.tryGet('empty'), new Uint8Array());
    assert.throws(() => two.get('late', 200), { code: 'DEADLINE_EXCEEDED' });
    await one.close();
    assert.equal(two.tryGet('topology'), undefined);
    await two.close();
    await other.close();
  });
});

test('a store that is not there is one clear line', async () => {
  const address = `http://127.0.0.1:${await freePort()}/run`;
  assert.throws(() => EtcdStore.open(address), /^RuntimeError.*|no etcd answers at http.*ECONNREFUSED/);
  assert.throws(() => EtcdStore.open('etcd:2379'), { code: 'STORE' });
});

test('hosts with a store are hosts with GPUs, counted from 0', async () => {
  const gpuHost = { index: 0, count: 2, store: 'http://etcd:2379/run' };
  await assert.rejects(openBackend({ device: 'cpu', gpuHost }), { code: 'MANY_HOSTS' });
  await assert.rejects(openBackend({ device: 'cuda', gpuHost: { ...gpuHost, index: 2 } }), /host 2 of 2/);
});

/** A server of another kind, on a thread of its own: this one waits for the store. */
const PAGE_SERVER = `
  const { createServer } = require('node:http');
  const { parentPort } = require('node:worker_threads');
  const server = createServer((request, response) => {
    const body = { '/v3/kv/range': ['<!DOCTYPE html>\\n<p>welcome', '[]', '{"kvs": 7}'] }[request.url];
    response.end(body[asked++]);
  });
  let asked = 0;
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
`;

test('an address where something else than an etcd answers is one line', async (t) => {
  const server = new Worker(PAGE_SERVER, { eval: true });
  t.after(() => server.terminate());
  const [port] = (await once(server, 'message')) as [number];
  for (const begin of ['<!DOCTYPE html>', '[]', '{"kvs": 7}']) {
    const address = `http://127.0.0.1:${port}/run`;
    assert.throws(() => EtcdStore.open(address), {
      code: 'STORE',
      message: `no etcd answers at ${address}: what answers is no etcd: ${begin}`,
      hint: /start one/,
    });
  }
});
