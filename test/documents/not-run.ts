import { spawnSync } from 'node:child_process';
import { findPlugin } from '../../src/assets/index.ts';
import { fakeGcs } from '../storage/fake-gcs.ts';
import { install } from '../storage/go-server.ts';

/** A command that isn't run as it stands. */
export interface NotRun {
  readonly of: RegExp;
  readonly why: string;
  /** What is run in its place, with what of it must come out; without it, nothing of it can be checked here. */
  readonly instead?: {
    readonly line: (command: string) => string;
    readonly prints: RegExp;
    readonly status?: number;
  };
  /** Whether it isn't run here either: what it needs may be there. */
  readonly unless?: boolean;
}

const has = (program: string) => spawnSync(program, ['--version']).status === 0;
const hasLibtpu = await findPlugin('tpu').then(
  () => true,
  () => false,
);

/** The script says how it is used, and knows the words that it is given. */
const HELP = { line: (command: string) => `${command}${/ -- /.test(command) ? '' : ' --'} --help`, prints: /npm run \w/ }; // prettier-ignore
/** Nothing is there to be downloaded: what must come is the error of that, with a hint. */
const NO_MIRROR = {
  line: (command: string) =>
    `SEPAL_CACHE=empty-cache ${command} --mirror http://127.0.0.1:9 --kaggle-api http://127.0.0.1:9`,
  status: 1,
  prints: /^error: .*\n(?:.*\n)*.*hint/m,
};

export const NOT_RUN: readonly NotRun[] = [
  { of: /npm run quickstart/, why: 'takes 40 s; the continuous integration runs it behind the tests', instead: { line: () => "grep -n 'npm run quickstart' .ci/run", prints: /if npm run quickstart/ } }, // prettier-ignore
  { of: /npm ci && npm test|^npm ci( |$)/, why: 'is what runs this', instead: { line: () => "grep -n 'npm' .ci/run", prints: /npm ci .*\n.*npm test/ } }, // prettier-ignore
  { of: /^npm test -- /, why: 'is part of the tests', instead: { line: (command) => `ls ${command.split(' -- ')[1]}`, prints: /\.test\.ts/ } }, // prettier-ignore
  { of: /^npm run (?:bench|compete|parity|parity:python|precision)\b(?!:onnx)/, why: 'takes minutes, and photos or other systems that not every machine has', instead: HELP }, // prettier-ignore
  { of: /^npm run (?:chaos|fuzz|soak|hostile)$|^npm run (?:chaos|fuzz|soak) -- /, why: 'takes a while; it has a test of its own', instead: HELP }, // prettier-ignore
  { of: /^npm run (?:audit|docs)$/, why: 'asks a registry', instead: HELP },
  { of: /^npm run errors$/, why: 'writes the document that is tested; documents.test.ts compares its list', instead: HELP }, // prettier-ignore

  { of: /data get \w/, why: 'downloads hundreds of megabytes', instead: NO_MIRROR }, // prettier-ignore
  { of: /plugin install tpu/, why: 'downloads 131 MiB', unless: hasLibtpu },
  { of: /sepal plan .*--search/, why: 'compiles for minutes', instead: { line: () => 'sepal plan --help', prints: /--search/ } }, // prettier-ignore
  { of: /plugin where tpu|sepal plan /, why: 'libtpu is not here', unless: hasLibtpu },
  { of: /gs:\/\//, why: 'Go, which builds the bucket, is not here', unless: install(fakeGcs('.')) === undefined },
  { of: /plugin install cuda/, why: 'downloads 129 MiB', instead: { line: () => 'sepal plugin list', prints: /cuda/ } },
  { of: /--wheel/, why: 'no wheel is at hand', instead: { line: (command) => `SEPAL_CACHE=empty-cache ${command}`, status: 1, prints: /error: .*(?:FILE|\.whl)/ } }, // prettier-ignore
  { of: /^sudo|^curl -fsSL https:\/\/nodejs/, why: 'changes the machine' },
  { of: /^npm install|^npx sepal/, why: 'Sepal is in no registry yet; `npm run check:package` installs it from its tarball' }, // prettier-ignore
  { of: /^gcloud|^kubectl/, why: 'takes an account of Google Cloud' },
  { of: /^pip (?:download|install)/, why: 'downloads hundreds of megabytes' },
  { of: /^etcd|--store/, why: 'takes two hosts with GPUs' },
  { of: /zsh/, why: 'zsh is not here', unless: has('zsh') },
  { of: /fish/, why: 'fish is not here', unless: has('fish') },
];
