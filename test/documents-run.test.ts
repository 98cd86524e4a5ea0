import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { findPlugin } from '../src/assets/index.ts';
import { silent } from '../src/base/index.ts';
import { createProgram, leafCommands } from '../src/cli/program.ts';
import { skipWithoutCpuPlugin as skip } from './backend.ts';
import { adapt, FOUND } from './documents/adaptations.ts';
import { Checkout } from './documents/checkout.ts';
import { commandsOf, DOCUMENTS, readDocument, sepalArguments, wordsOf } from './documents/commands.ts';
import { NOT_RUN, type NotRun } from './documents/not-run.ts';
import { putStandIns, rose } from './documents/stand-ins.ts';
import { fakeGcs, gcsEnvironment } from './storage/fake-gcs.ts';
import { install, start, type RunningServer } from './storage/go-server.ts';

// Every command line of the documents is run by bash, in a folder that looks like a fresh clone, in the document's order. What
// can't be run, and why, stands in documents/not-run.ts; how the others are made small, in documents/adaptations.ts.

const program = await createProgram([], () => ({ log: silent, signal: new AbortController().signal }));
const names = [...leafCommands(program).keys()];

/** A command that a sentence only names: `sepal train`, `sepal data`. */
function isNameOnly(command: string): boolean {
  const words = sepalArguments(command)?.join(' ');
  return words !== undefined && names.some((name) => name === words || name.startsWith(`${words} `));
}

/** What says the same wherever it runs is run once: in the first document that has it. */
const ALIKE = /^(?:npm run sepal -- |sepal )((?:doctor|plugin).*)$|^(npm run (?!sepal)[\w:]+)$/;

interface Planned {
  readonly command: string;
  readonly notRun: NotRun | undefined;
}

const seen = new Set<string>();
const plans = DOCUMENTS.map((document): readonly [string, readonly Planned[]] => {
  const planned: Planned[] = [];
  for (const { text: command, isBlock, isName } of commandsOf(readDocument(document))) {
    if (isName || (!isBlock && isNameOnly(command))) continue;
    const [, ours, script] = ALIKE.exec(command) ?? [];
    const alike = ours ?? script;
    if (alike !== undefined && seen.has(alike)) continue;
    if (alike !== undefined) seen.add(alike);
    planned.push({ command, notRun: NOT_RUN.find(({ of, unless }) => of.test(command) && unless !== true) });
  }
  return [document, planned];
});

suite("the documents' commands", { skip, concurrency: 2 }, () => {
  let folder: string;
  let base: Checkout;
  let web: Server;
  let buckets: RunningServer | undefined;
  /** Address of a photo. */
  let photo: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sepal-documents-'));
    base = await Checkout.create(join(folder, 'base'));
    const bytes = await rose(base);
    web = createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'image/jpeg' }).end(bytes);
    });
    await once(web.listen(0, '127.0.0.1'), 'listening');
    photo = `http://127.0.0.1:${(web.address() as AddressInfo).port}/rose.jpg`;
    if (install(fakeGcs('.')) === undefined) {
      await putStandIns(base, base, ['flowers as buckets/bucket/flowers']);
      buckets = await start(fakeGcs(join(base.folder, 'buckets')));
    }
  });
  after(async () => {
    web.close();
    await buckets?.close();
    await rm(folder, { recursive: true, force: true });
  });

  for (const [document, planned] of plans) {
    if (planned.length === 0) continue;
    suite(document, { concurrency: 1 }, () => {
      let checkout: Checkout;
      before(async () => {
        checkout = await Checkout.create(join(folder, basename(document)), {
          CPU_PLUGIN: (await findPlugin('cpu')).path,
          ...(buckets !== undefined && gcsEnvironment(buckets.port)),
        });
        await putStandIns(base, checkout, FOUND[document] ?? []);
      });
      after(async () => checkout.stopServer());

      for (const { command, notRun } of planned) {
        if (notRun === undefined) test(command, () => runs(base, checkout, command, photo));
        else if (notRun.instead !== undefined)
          test(`${command} (${notRun.why})`, () => runsInstead(checkout, command, notRun)); // prettier-ignore
        else test(`${command} (${notRun.why})`, { skip: notRun.why }, () => {});
      }
    });
  }

  test('no row of the table is for a command that there is not', () => {
    const commands = DOCUMENTS.flatMap((document) => commandsOf(readDocument(document)).map(({ text }) => text));
    for (const { of } of NOT_RUN) assert.ok(commands.some((command) => of.test(command)), String(of)); // prettier-ignore
  });
});

async function runs(base: Checkout, checkout: Checkout, command: string, photo: string): Promise<void> {
  const { line, finds, prints } = adapt(command);
  await putStandIns(base, checkout, finds);
  if (/^(?:npm run )?sepal (?:-- )?serve /.test(line)) {
    const url = await checkout.serve(line);
    assert.equal((await fetch(`${url}/healthz`)).status, 200);
    assert.match(await (await fetch(url)).text(), /<title>/);
    return;
  }
  const written = writtenBy(line).map((path) => join(checkout.folder, path));
  // Another way to make what a command before has made.
  for (const path of written) await rm(path, { recursive: true, force: true });
  const { status, stdout, stderr } = await checkout.run(
    line.replaceAll('$URL', checkout.url ?? '').replaceAll('$PHOTO', photo),
  );
  assert.equal(status, 0, `${line}\n${stdout}\n${stderr}`);
  for (const each of prints) assert.match(`${stdout}\n${stderr}`, each, line);
  for (const path of written) assert.ok(existsSync(path), `${line} wrote no ${path}`);
}

async function runsInstead(checkout: Checkout, command: string, { instead }: NotRun): Promise<void> {
  assert.ok(instead !== undefined);
  const line = instead.line(command);
  const { status, stdout, stderr } = await checkout.run(line);
  assert.equal(status, instead.status ?? 0, `${line}\n${stdout}\n${stderr}`);
  assert.match(`${stdout}\n${stderr}`, instead.prints, line);
}

/** Files and folders that a line says are written. */
function writtenBy(line: string): string[] {
  const words = wordsOf(line);
  return words.filter((_, i) => ['--out', '--report', '--trace'].includes(words[i - 1]));
}
