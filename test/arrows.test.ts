import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';

/** Which rooms each room may import; every room may import `base`. The same table stands in docs/architecture.md. */
const ARROWS: Record<string, readonly string[]> = {
  base: [],
  assets: [],
  pjrt: [],
  xla: [],
  runtime: ['xla', 'pjrt', 'assets'],
  nn: ['xla'],
  models: ['xla', 'nn', 'assets'],
  data: ['assets'],
  metrics: [],
  report: ['metrics'],
  tensorboard: ['data'],
  export: ['xla', 'nn', 'models'],
  train: ['xla', 'data', 'models', 'nn', 'metrics', 'runtime'],
  plan: ['xla', 'models', 'runtime', 'train'],
  tune: ['runtime', 'train'],
  profile: ['xla', 'models', 'runtime', 'train', 'report'],
  cli: [
    'assets',
    'pjrt',
    'xla',
    'runtime',
    'nn',
    'models',
    'data',
    'metrics',
    'report',
    'tensorboard',
    'train',
    'export',
    'serve',
    'plan',
    'tune',
    'profile',
  ],
  library: ['data', 'models', 'runtime', 'serve', 'train'],
  serve: ['train', 'data', 'models', 'metrics', 'runtime'],
};

const SRC = join(import.meta.dirname, '..', 'src');
const IMPORT = /(?:^|\n)\s*(?:import|export)\s[^;'"]*?from\s+['"]([^'"]+)['"]|import\(['"]([^'"]+)['"]\)/g;

interface Import {
  readonly from: string;
  readonly to: string;
}

const files = globSync('**/*.ts', { cwd: SRC });
const imports: Import[] = files.flatMap((from) =>
  [...readFileSync(join(SRC, from), 'utf8').matchAll(IMPORT)].map((match) => {
    const specifier = match[1] ?? match[2];
    return { from, to: specifier.startsWith('.') ? relative(SRC, join(SRC, dirname(from), specifier)) : specifier };
  }),
);
const isFile = (path: string) => path.endsWith('.ts');
const room = (path: string) => path.split('/')[0];

test('every folder under src is a room with a door', () => {
  const rooms = [...new Set(files.filter((file) => file.includes('/')).map(room))];
  assert.deepEqual(
    rooms.filter((name) => !(name in ARROWS)),
    [],
    'rooms without a row in ARROWS',
  );
  const doorless = rooms.filter((name) => name !== 'cli' && !files.includes(`${name}/index.ts`));
  assert.deepEqual(doorless, [], 'rooms without index.ts');
});

test('imports follow the arrows and enter by the door', () => {
  const bad = imports
    .filter(({ from, to }) => isFile(to) && from.includes('/') && room(from) !== room(to))
    // Tests beside the code may use what stands in test/.
    .filter(({ from, to }) => !(from.endsWith('.test.ts') && to.startsWith('../test/')))
    .filter(({ from, to }) => {
      const allowed = room(to) === 'base' || ARROWS[room(from)].includes(room(to));
      return !allowed || to !== `${room(to)}/index.ts`;
    });
  assert.deepEqual(bad, []);
});

test('no files import each other in a circle', () => {
  const edges = Map.groupBy(
    imports.filter(({ to }) => isFile(to)),
    ({ from }) => from,
  );
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    assert.ok(!path.includes(file), `import circle: ${[...path, file].join(' → ')}`);
    if (done.has(file)) return;
    for (const { to } of edges.get(file) ?? []) visit(to, [...path, file]);
    done.add(file);
  };
  for (const file of edges.keys()) visit(file, []);
});

test('only pjrt/ffi.ts imports koffi', () => {
  const importers = imports.filter(({ to }) => to === 'koffi').map(({ from }) => from);
  assert.deepEqual(
    importers.filter((file) => file !== 'pjrt/ffi.ts'),
    [],
  );
});
