import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { cpuBackend, skipWithoutCpuPlugin as skip } from '../../../test/backend.ts';
import { JoinedHosts } from '../../../test/joined-hosts.ts';
import type { Backend } from '../backend.ts';
import { Hosts } from './hosts.ts';

async function threeHosts(t: TestContext): Promise<JoinedHosts> {
  const whole = await cpuBackend({ replicas: 6 });
  t.after(() => whole.close());
  return new JoinedHosts(whole, 3);
}

/** What each host gets. */
async function onEach<T>(hosts: JoinedHosts, work: (backend: Backend, host: number) => Promise<T>): Promise<T[]> {
  const results = await hosts.run(work);
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}

suite('hosts that work together', { skip }, () => {
  test('take the first reason that any of them has, each at its own time', async (t) => {
    const hosts = await threeHosts(t);
    assert.deepEqual(
      hosts.backends.map(({ replicas, devices, own }) => [replicas, devices.length, own.replicas, own.host.count]),
      Array.from({ length: 3 }, () => [6, 2, 2, 1]),
    );
    const found = await onEach(hosts, async (backend, host) => {
      const first = [];
      for (let step = 0; step < 5; step++) {
        first.push(await Hosts.of(backend).first({ failed: step > 3 && host === 2, late: step > 1 && host > 0 }));
      }
      return first;
    });
    const expected = [undefined, undefined, { reason: 'late', host: 1 }, { reason: 'late', host: 1 }, { reason: 'failed', host: 2 }]; // prettier-ignore
    assert.deepEqual(found, [expected, expected, expected]);
  });

  test('fill in what the others know, bit for bit, whatever the length', async (t) => {
    const hosts = await threeHosts(t);
    for (const length of [1, 7, 5000, 2 ** 20 + 3]) {
      const whole = Float32Array.from({ length }, (_, i) => [Math.sqrt(i), -0, NaN, Infinity, 1e-45][i % 5]);
      const shared = await onEach(hosts, async (backend, host) => {
        const own = whole.map((value, i) => (i % 3 === host ? value : 0));
        await Hosts.of(backend).share(own);
        return own;
      });
      const bits = ({ buffer }: Float32Array) => Buffer.from(buffer);
      for (const each of shared) assert.ok(bits(each).equals(bits(whole)), `${length} numbers`);
    }
    const bytes = await onEach(hosts, async (backend, host) => {
      // A part of a larger array, whose neighbours stay.
      const around = new Uint8Array(13).fill(9);
      const own = around.subarray(1, 12);
      own.fill(0);
      own.fill(200 + host, 4 * host, 4 * host + 3);
      await Hosts.of(backend).share(own);
      return [...around];
    });
    const expected = [9, 200, 200, 200, 0, 201, 201, 201, 0, 202, 202, 202, 9];
    assert.deepEqual(bytes, [expected, expected, expected]);
  });

  test('all hear of a failure of one, and which it was', async (t) => {
    const hosts = await threeHosts(t);
    const results = await hosts.run(async (backend, host) => {
      const together = Hosts.of(backend);
      assert.equal(await together.all(() => host), host);
      await together.all(async () => {
        if (host === 1) throw new Error('no room');
      });
    });
    const reasons = results.map((result) => (result.status === 'rejected' ? (result.reason as Error).message : ''));
    assert.deepEqual(reasons, ['host 1 of this run has failed, and says why itself', 'no room', 'host 1 of this run has failed, and says why itself']); // prettier-ignore
  });

  test('that differ are told in what', async (t) => {
    const hosts = await threeHosts(t);
    const results = await hosts.run(async (backend, host) => {
      await Hosts.of(backend).requireSame({ step: 7, images: 2 ** 32 - 1 }, 'none');
      await Hosts.of(backend).requireSame({ step: host === 2 ? 12 : 0 }, 'share the folder');
    });
    for (const result of results) {
      assert.ok(result.status === 'rejected');
      const { code, message, received, hint } = result.reason as Record<string, string>;
      assert.deepEqual([code, message, received, hint], ['HOSTS_DIFFER', "the hosts of this run don't have the same step", '0 on host 0, 12 on host 2', 'share the folder']); // prettier-ignore
    }
  });

  test('one host alone asks nobody', async (t) => {
    const backend = await cpuBackend();
    t.after(() => backend.close());
    const hosts = Hosts.of(backend);
    assert.equal(backend.own, backend);
    assert.deepEqual(await hosts.first({ failed: false, late: true }), { reason: 'late', host: 0 });
    assert.equal(await hosts.first({ failed: false }), undefined);
    await assert.rejects(
      hosts.all(() => Promise.reject(new Error('no room'))),
      { message: 'no room' },
    );
    assert.equal(backend.client.executables.size, 0);
  });
});
